"""Building: the image, by an engine's classic builder, on a base that the engine has or that is made here."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from compose.image import debian
from compose.image.loadable import loadable
from tests.engine import USUAL_SOCKET, answers, own_engine

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".cache" / "engine"
NAME = "tidegate"
MOST_KEPT = 6 * 10**9
"""Bytes of layers above which all of them are dropped; a build leaves about a quarter of a gigabyte."""
PATIENCE = 1800
"""Seconds that one step of a build may take; an emulated one takes many minutes."""
NO_REGISTRY = re.compile("no such host|dial tcp|failed to resolve|pull access denied|Client.Timeout exceeded")


class BuildFailed(Exception):
    """The text is the end of what the builder said."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """An engine to build with; `own` where it was started for that, and ends with it."""

    url: str
    own: bool

    def client(self) -> closing[docker.DockerClient]:
        return closing(docker.DockerClient(base_url=self.url, timeout=PATIENCE))

    def tidy(self) -> None:
        """Remove what a run that was killed has left, and layers when there are too many."""
        with self.client() as client:
            for container in client.containers.list(all=True):
                container.remove(force=True, v=True)
            client.networks.prune()
            client.volumes.prune()
            if client.df()["LayersSize"] > MOST_KEPT:
                client.images.prune(filters={"dangling": False})

    def debian_base(self, architecture: str, say: Callable[[str], object] = lambda _: None) -> str:
        """Debian's base in the engine; its name."""
        name = debian.name(architecture)
        with self.client() as client:
            if not client.images.list(name):
                with loadable(debian.tree(architecture, say), name, architecture) as image:
                    client.images.load(image)
        return name

    def build(
        self,
        base: str,
        name: str = NAME,
        say: Callable[[str], object] = lambda _: None,
        architecture: str = "",
        stage: str | None = None,
        version: str = "",
    ) -> str:
        """The image on this base, or a stage of it; its id.

        For another architecture it is built on this machine's Debian.
        """
        said: list[str] = []
        foreign = architecture not in ("", debian.machine())
        builder = {"BUILDER": self.debian_base(debian.machine(), say), "FOR": architecture} if foreign else {}
        with self.client() as client:
            steps = client.api.build(
                path=str(ROOT),
                dockerfile="compose/Dockerfile",
                tag=name,
                target=stage,
                buildargs={
                    **builder,
                    "BASE": base,
                    "REVISION": revision(),
                    **({"VERSION": version} if version else release()),
                    "COMPILE": os.environ.get("TIDEGATE_COMPILE", "1"),
                },
                # An engine of our own has no way out but the host's: it leaves the firewall alone.
                network_mode="host" if self.own else None,
                rm=True,
                decode=True,
            )
            for step in steps:
                if "error" in step:
                    raise BuildFailed(told(step["error"], "".join(said[-40:])))
                text = step.get("stream", "")
                said.append(text)
                if text.startswith("Step "):
                    say(textwrap.shorten(text, 100, placeholder=" ..."))
            return str(client.images.get(name).id)


def told(error: str, before: str) -> str:
    """Why it was not built; the last lines of what was done, but for a base that could not be had."""
    if NO_REGISTRY.search(error):
        return f"The base cannot be had: {error.strip()}\nmake image BASE=debian needs no registry."
    return before + error


@contextmanager
def workshop() -> Iterator[Workshop]:
    """The engine that answers, else one of our own, which keeps its layers for the next time."""
    url = os.environ.get("DOCKER_HOST") or USUAL_SOCKET
    if answers(url):
        yield Workshop(url, own=False)
        return
    with own_engine(kept=KEPT) as daemon:
        shop = Workshop(daemon.url, own=True)
        shop.tidy()
        yield shop


def revision() -> str:
    """The commit that is built from; empty outside a repository."""
    return git("rev-parse", "HEAD")


def release() -> dict[str, str]:
    """The version, where exactly this commit has a tag; others share one, and what is compiled for it."""
    tag = git("describe", "--tags", "--exact-match", "--match", "v[0-9]*")
    return {"VERSION": tag.removeprefix("v")} if tag else {}


def git(*words: str) -> str:
    """What it answers; empty where it has none."""
    asked = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return asked.stdout.strip()
