"""Site: a Tidegate of its own, before apps of this process, with a route file that may be rewritten."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.program import LOOPBACK, Program, eventually

APP = "app.localhost"
"""Whose app says what it does before it does it."""
FLAKY = "flaky.localhost"
"""Whose app closes kept connections without a word: an answer 502 may then be nobody's fault."""


@dataclass(slots=True)
class Site:
    program: Program
    routes: Path

    @property
    def pid(self) -> int:
        assert self.program.process
        return self.program.process.pid

    def serve(self, hosts: Mapping[str, int]) -> None:
        """Let these hosts go to these ports, by replacing the file as an editor does."""
        aside = self.routes.with_suffix(".new")
        aside.write_text(json.dumps(tree(hosts)))
        aside.rename(self.routes)


def tree(hosts: Mapping[str, int]) -> dict[str, object]:
    routers: dict[str, object] = {}
    services: dict[str, object] = {}
    for number, (host, port) in enumerate(hosts.items()):
        plain: dict[str, object] = {"rule": f"Host(`{host}`)", "service": f"s{number}"}
        routers[f"plain{number}"] = plain | {"entryPoints": ["web"]}
        routers[f"secure{number}"] = plain | {"entryPoints": ["websecure"], "tls": {}}
        services[f"s{number}"] = {"loadBalancer": {"servers": [{"url": f"http://{LOOPBACK}:{port}"}]}}
    return {"http": {"routers": routers, "services": services}}


@contextmanager
def serving(folder: Path, hosts: Mapping[str, int], lane: bool, *flags: str) -> Iterator[Site]:
    routes = folder / "routes.yaml"
    routes.write_text(json.dumps(tree(hosts)))
    settings = {"TIDEGATE_FAST_LANE": "on" if lane else "off"}
    engine = () if "--docker" in flags else ("--docker", "off")
    flags = (*flags, *engine, "--acme-ca", "off", "--log-level", "warning", "--routes", str(routes))
    with Program(folder / "data", *flags, settings=settings) as program:
        for host in hosts:  # its certificate is made a moment after its route
            eventually(lambda host=host: shakes_hands(program.websecure, host))
        yield Site(program, routes)


def shakes_hands(port: int, host: str) -> bool:
    with (
        socket.create_connection((LOOPBACK, port), 5) as sock,
        trusting().wrap_socket(sock, server_hostname=host),
    ):
        return True


def trusting() -> ssl.SSLContext:
    """Whose certificate it is, is not the question here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
