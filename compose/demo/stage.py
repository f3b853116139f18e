"""Stage: what the demo is played on - the sites, the running Tidegate and whom the visitor trusts."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compose.demo import visit
from compose.demo.apps import Site
from tests.pebble import Pebble, find_programs
from tests.program import Program


@dataclass(frozen=True, slots=True)
class Authority:
    """Flags for Tidegate, and a context that trusts what it issues, as soon as that is known."""

    trust: Callable[[Program], ssl.SSLContext]
    command: tuple[str, ...] = ()


def internal_root(tidegate: Program) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tidegate.data / "internal" / "root.pem"))


@contextmanager
def authority(state: Path, web: int) -> Iterator[tuple[Authority, str]]:
    """A real ACME authority where Pebble is there, else Tidegate's own."""
    if find_programs() is None:
        yield (
            Authority(internal_root, ("--acme-ca", "off")),
            "Tidegate's own authority (Pebble is not installed)",
        )
        return
    shutil.rmtree(state, ignore_errors=True)
    with Pebble(state, http_port=web) as pebble:
        context = ssl.create_default_context(cadata=pebble.issuing_root())
        command = (
            "--acme-ca",
            pebble.directory_url,
            "--acme-ca-bundle",
            str(pebble.ca_bundle),
            "--acme-email",
            "demo@example.com",
        )
        yield Authority(lambda _: context, command), "Pebble, a real ACME authority, over HTTP-01"


@dataclass(slots=True)
class Stage:
    engine: str
    sites: tuple[Site, ...]
    tidegate: Program
    whom_to_trust: Callable[[Program], ssl.SSLContext]
    seen: dict[str, visit.Visit] = field(default_factory=dict)

    def url(self, site: Site) -> str:
        return f"https://{site.host}:{self.tidegate.websecure}/"

    @property
    def trust(self) -> ssl.SSLContext:
        return self.whom_to_trust(self.tidegate)

    def look(self, site: Site, target: str = "/") -> visit.Visit:
        return visit.visit(site.host, self.tidegate.websecure, self.trust, target)
