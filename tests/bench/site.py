"""Site: what every peer is told to serve (hosts, ports, one certificate) and how to ask for it."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import trustme

from tests.bench.chore import CHORES, Chore
from tests.program import LOOPBACK, free_port

HOST = "localhost"  # resolves everywhere, so the load generators can send it as their SNI
CHAT_HOST = "chat.localhost"


@dataclass(frozen=True, slots=True)
class Site:
    """One peer's folder, its two listeners, and which backend port each host is sent to."""

    folder: Path
    web: int
    websecure: int
    hosts: Mapping[str, int]
    certificate: Path
    key: Path
    chores: Sequence[Chore] = ()
    docker: str = "off"  # or the URL of an engine whose labels are read as well

    def write(self, name: str, text: str) -> str:
        """A configuration file of this peer; its path."""
        path = self.folder / name
        path.write_text(text)
        return str(path)

    @property
    def backends(self) -> list[int]:
        return sorted(set(self.hosts.values()))

    def url(self, *, tls: bool, path: str) -> str:
        return f"https://{HOST}:{self.websecure}{path}" if tls else f"http://{HOST}:{self.web}{path}"

    @property
    def main(self) -> int:
        return self.hosts[HOST]

    def does(self, chore: Chore) -> tuple[int, Mapping[str, str]]:
        """Status and fields of one answer of its site."""
        connection = http.client.HTTPConnection(LOOPBACK, self.web, timeout=5)
        try:
            connection.request("GET", chore.path, headers={"Host": chore.host, **chore.headers})
            answer = connection.getresponse()
            answer.read()
            return answer.status, dict(answer.getheaders())
        finally:
            connection.close()

    def ask(self, *, tls: bool = False, path: str = "/", host: str = HOST) -> tuple[int, int]:
        """Status and body length of one answer."""
        connection = (
            http.client.HTTPSConnection(HOST, self.websecure, timeout=5, context=trusting())
            if tls
            else http.client.HTTPConnection(LOOPBACK, self.web, timeout=5)
        )
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            length = answer.getheader("Content-Length")
            return answer.status, int(length) if length else len(answer.read())
        finally:
            connection.close()


@cache
def trusting() -> ssl.SSLContext:
    """A client that accepts each peer's certificate: speed is measured here, not trust."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def host_names(routes: int) -> tuple[str, ...]:
    return (HOST, *(f"site{number}.localhost" for number in range(1, routes)))


def make_certificate(folder: Path) -> None:
    """ECDSA P-256, as the CAs' clients make them by default."""
    pair = trustme.CA().issue_cert(HOST, "*.localhost")
    pair.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    pair.private_key_pem.write_to_path(folder / "key.pem")


def make_site(folder: Path, name: str, backend: int, chat: int, routes: int) -> Site:
    own = folder / name.lower().replace(" ", "-").replace(",", "")
    own.mkdir(exist_ok=True)
    hosts = dict.fromkeys(host_names(routes), backend) | {CHAT_HOST: chat}
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    chores = CHORES if routes == 1 else ()
    for chore in chores:
        for file, text in chore.files.items():
            (own / file).write_text(text)
    return Site(own, free_port(), free_port(), hosts, certificate, key, chores)
