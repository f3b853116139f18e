"""`make dist-arm64`: the wheel compiled for Debian's Python of an architecture, and tried on it.

    python -m compose.image.wheel ARCHITECTURE VERSION COMPOSE_FILE

The image has this wheel in it: it comes out of the stage that makes that.
What installs and tries it is a container of a bare Debian, emulated where
this machine is another one.  COMPOSE_FILE is what it has to find right.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from compose.image import debian
from compose.image.archive import packed, unpack
from compose.image.building import ROOT, BuildFailed, Workshop, workshop
from compose.image.emulation import NoEmulation, emulation
from tests.engine import NoEngineError

NAME = "tidegate-wheel"
TRIAL = """
apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
exec /try/prove python3 /try/{wheel} '{says}' /try/requirements-run.lock /try/{compose_file}
"""


class NotProven(Exception):
    """The wheel does not do what it should; the container has said why."""


FAILURES = (BuildFailed, NotProven, NoEngineError, NoEmulation, debian.NoBase, docker.errors.DockerException)


def main(architecture: str, version: str, compose_file: str) -> int:
    begun = time.monotonic()
    emulated = architecture != debian.machine()
    try:
        with emulation(architecture), workshop() as shop:
            base = shop.debian_base(architecture, say)
            say(f"the wheel compiled for {architecture} (minutes, but for what is there from the last time)")
            wheel = take(shop, shop.build(base, NAME, say, architecture, stage="build", version=version))
            say(f"{wheel.name} is tried" + ", emulated (a quarter of an hour)" * emulated)
            prove(shop, base, wheel, f"tidegate {version} (proxy compiled)", Path(compose_file))
    except FAILURES as error:
        say(str(error))
        return 1
    say(f"dist/{wheel.name} is done, in {time.monotonic() - begun:.0f} s")
    return 0


def take(shop: Workshop, image: str) -> Path:
    """The wheel that was made in this image, copied into dist/."""
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    with container(shop, image) as made:
        pieces, _ = made.get_archive("/build/wheels")
        return unpack(pieces, ".whl", folder)


def prove(shop: Workshop, base: str, wheel: Path, says: str, compose_file: Path) -> None:
    """Let scripts/prove try the wheel in a container of the base; one that fails is removed."""
    files = (wheel, ROOT / "scripts/prove", ROOT / "requirements-run.lock", compose_file)
    trial = TRIAL.format(wheel=wheel.name, says=says, compose_file=compose_file.name)
    # As for a build: an engine of our own has no way out but the host's.
    network = "host" if shop.own else None
    with container(shop, base, command=["sh", "-ec", trial], network_mode=network) as trying:
        trying.put_archive("/", packed(*files, under="try"))
        trying.start()
        for line in trying.logs(stream=True):
            sys.stderr.write(line.decode(errors="replace"))
        if trying.wait()["StatusCode"] != 0:
            wheel.unlink()
            raise NotProven(f"{wheel.name} does not do what it should, and is removed.")


@contextmanager
def container(shop: Workshop, image: str, **how: Any) -> Iterator[Container]:
    """One that was not started yet, and goes again."""
    with shop.client() as client:
        made = client.containers.create(image, environment={"DEBIAN_FRONTEND": "noninteractive"}, **how)
        try:
            yield made
        finally:
            made.remove(force=True, v=True)


def say(text: str) -> None:
    print(f"dist: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
