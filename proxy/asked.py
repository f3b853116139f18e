"""Asked: what a Host line makes of a client's requests, known again when it comes again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from proxy.authority import AUTHORITY
from proxy.field_lines import HOST, read_line
from proxy.headers import BadRequest, host_and_authority, introduction
from proxy.message import Fields, IPAddress
from proxy.visitor import TrustedProxies, visitor_of

MOST_ASKED: Final = 1024
"""Of 1.5 kB each, mostly; then they are forgotten together.  A table of more hosts is worth more."""


@dataclass
class Asked:
    """One client's requests for one host at one listener."""

    line: bytes
    """The Host line as the client wrote it, with its end."""
    host: str
    address: IPAddress
    client: str
    scheme: str
    port: int
    about: Fields
    named: Fields
    """The Host field as routing sees it."""
    opening: bytes
    """The Host line for the server, after the request line."""
    closing: bytes
    """The lines that say who asks."""


@dataclass(eq=False)
class AskedMemo:
    """What a listener's clients ask for, none of whom is a trusted proxy."""

    tls: bool
    port: int
    known: dict[bytes, Asked] = field(default_factory=dict)
    most: int = MOST_ASKED

    def expect(self, hosts: int) -> None:
        """So many hosts are served here: a client that asks them one after the other finds each known."""
        self.most = max(MOST_ASKED, hosts * 5 // 4)

    def get(self, peer: IPAddress, line: bytes) -> Asked | None:
        """`line` is without its end; None where it is not an ordinary Host line."""
        key = peer.packed + line
        asked = self.known.get(key)
        if asked is None and (asked := self._ask(peer, line)) is not None:
            if len(self.known) >= self.most:
                self.known.clear()
            self.known[key] = asked
        return asked

    def _ask(self, peer: IPAddress, raw: bytes) -> Asked | None:
        line = read_line(raw)
        if line.kind != HOST or not AUTHORITY.fullmatch(line.value):
            return None
        try:
            authority, host = host_and_authority(line.value)
        except BadRequest:
            return None
        if not host:
            return None
        visitor = visitor_of((), peer, self.tls, authority, self.port, TrustedProxies())
        about = introduction(visitor, peer)
        return Asked(
            raw + b"\r\n",
            host,
            visitor.address,
            str(visitor.address),
            visitor.scheme,
            visitor.port,
            about,
            (("Host", authority),),
            f" HTTP/1.1\r\nHost: {authority}\r\n".encode("latin-1"),
            "\r\n".join(f"{name}: {value}" for name, value in about).encode("latin-1"),
        )
