"""Peers: the proxies that are compared, one declaration each."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bench import configs
from tests.bench.envoy import envoy
from tests.bench.process import PROXY_CORE, Running, running
from tests.bench.site import Site
from tests.program import LOOPBACK, ROOT, eventually

PACKAGES = ("proxy", "discovery", "acme_client", "tidegate")
ONE_CORE = {"GOMAXPROCS": "1"}


@dataclass(frozen=True, slots=True)
class Peer:
    """`start` writes a configuration for a site and returns the command that serves it."""

    name: str
    program: str
    start: Callable[[Site, str], list[str]]
    version: tuple[str, ...] = ("--version",)
    environment: Mapping[str, str] = field(default_factory=dict)
    missing: Callable[[], str] = str  # why it cannot run here; empty when it can
    labels: str = ""  # what the labels that it reads begin with
    ours: bool = False

    @property
    def path(self) -> str:
        """Where the program is; empty when it is not installed."""
        places = (*map(str, (ROOT / ".cache").glob("*/*/_bin")), "/usr/sbin", "/usr/local/sbin")
        inherited = shutil.which(self.program)
        return inherited or shutil.which(self.program, path=":".join(places)) or ""

    @property
    def absence(self) -> str:
        return self.missing() or ("" if self.path else f"{self.program} is not installed")

    def version_number(self) -> str:
        return version_number([self.path, *self.version])

    @contextmanager
    def serving(self, site: Site, within: float = 60.0) -> Iterator[Running]:
        """The peer on its core, started and answering on both listeners."""
        environment = {"HOME": str(site.folder), "XDG_DATA_HOME": str(site.folder), **self.environment}
        command = self.start(site, self.path)
        log = site.folder / "output.log"
        with running(command, PROXY_CORE, log, environment, cwd=site.folder) as started:

            def answers() -> bool:
                if started.process.poll() is not None:
                    raise RuntimeError(f"ended at its start: {started.last_words()}")
                return site.ask()[0] == 200 and site.ask(tls=True)[0] == 200

            eventually(answers, within=within)
            yield started


def version_number(command: Sequence[str]) -> str:
    """The first thing in what it says of itself that looks like a version."""
    said = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL
    )
    found = re.search(r"\d+\.\d+(\.\d+)*(-\w[\w.+-]*)?", said.stdout + said.stderr)
    return found[0] if found else "unknown version"


def tidegate(site: Site, program: str) -> list[str]:
    """As its user would start it, with a route file; its own authority makes the certificate."""
    routes = site.write("routes.yaml", json.dumps(configs.route_tree(site)))
    return [
        *(program, "-m", "tidegate", "run", "--docker", site.docker, "--routes", routes),
        *("--acme-ca", "off", "--dashboard", "off", "--log-level", "warning"),
        *("--data", str(site.folder / "data")),
        *("--web", f"{LOOPBACK}:{site.web}", "--websecure", f"{LOOPBACK}:{site.websecure}"),
    ]


def tidegate_uncompiled(site: Site, program: str) -> list[str]:
    """From a copy without the compiled modules: Python prefers those wherever they lie beside the sources."""
    for package in PACKAGES:
        if not (site.folder / package).exists():
            shutil.copytree(ROOT / package, site.folder / package, ignore=shutil.ignore_patterns("*.so"))
    return tidegate(site, program)  # `-m` looks first where it is started: in the site's folder


def no_lane() -> str:
    return "" if importlib.util.find_spec("proxy.lane") else "this tree has no fast lane"


def not_compiled() -> str:
    return no_lane() or ("" if any((ROOT / "proxy").glob("*.so")) else "the tree is not compiled")


def aiohttp_lane() -> dict[str, str]:
    return {} if no_lane() else {"TIDEGATE_FAST_LANE": "off"}


HERE = {"PYTHONPATH": str(ROOT)}
VERSION = ("-m", "tidegate", "version")

PEERS = (
    Peer("nginx", "nginx", configs.nginx, ("-v",)),
    Peer("HAProxy", "haproxy", configs.haproxy, ("-v",)),
    Peer("Caddy", "caddy", configs.caddy, ("version",), ONE_CORE),
    Peer("Envoy", "envoy", envoy),
    Peer(
        "Traefik",
        "traefik",
        configs.traefik,
        ("version",),
        ONE_CORE,
        labels="traefik",
    ),
    Peer(
        "Tidegate, compiled",
        sys.executable,
        tidegate,
        VERSION,
        HERE,
        missing=not_compiled,
        labels="tidegate",
        ours=True,
    ),
    Peer(
        "Tidegate, plain Python",
        sys.executable,
        tidegate_uncompiled,
        VERSION,
        missing=no_lane,
        labels="tidegate",
        ours=True,
    ),
    Peer(
        "Tidegate, aiohttp lane",
        sys.executable,
        tidegate,
        VERSION,
        HERE | aiohttp_lane(),
        labels="tidegate",
        ours=True,
    ),
)
FIRST = "nginx"  # what the ratios are to
