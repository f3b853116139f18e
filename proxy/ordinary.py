"""Ordinary: request heads that are plainly right, read in one pass with the help of lines seen before.

Nothing is decided here that `head.py` and `headers.py` do not decide: for each
head that is taken, they say exactly the same (a test holds both side by side),
and for each other the answer is None and they are asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from proxy.authority import AUTHORITY
from proxy.exchange import Fields, IPAddress, RequestHead
from proxy.fields import CONTROLS, FAMILIAR, BadHead, scan_field
from proxy.framing import NO_BODY, Framing
from proxy.head import LIMITS, LONGEST_LENGTH, LOOK_ALIKES, METHODS, ScannedRequest
from proxy.headers import BadRequest, host_and_authority, introduction, kind_of
from proxy.table import Route, RoutingTable
from proxy.target import needs_no_change
from proxy.visitor import TrustedProxies, visitor_of
from proxy.writing import frame_request

Kind: TypeAlias = int
PASSED: Final = 0
LEFT_OUT: Final = 1
HOST: Final = 2
LENGTH: Final = 3
UNUSUAL: Final = 4

Line: TypeAlias = tuple[Kind, tuple[str, str], bytes]
"""What a field line is, its name and value, and how it is written to a server."""

SECRETS: Final = frozenset(("cookie", "authorization", "proxy-authorization"))
"""Not remembered: what is shared by all clients must not tell, by its speed, what another one has sent."""
MOST_LINES: Final = 2048
LONGEST_LINE: Final = 512

_METHODS: Final = {method.encode(): method for method in METHODS}
_NOT_IN_VALUES: Final = CONTROLS + b"\r\n"
_PASSED_NAMES: Final = {
    name.encode(): (name, lower)
    for name, lower in FAMILIAR.items()
    if kind_of(name) == "end-to-end" and lower not in ("content-length", "expect")
}


@dataclass(slots=True, eq=False)
class Course:
    """The route for a head whose way depends on nothing but the table; good for this very table alone."""

    table: RoutingTable
    route: Route


@dataclass(slots=True, eq=False)
class Receipt:
    """A request's head: as bytes, as scanned, as routing sees it, and as a server gets it."""

    block: bytes
    scanned: ScannedRequest
    head: RequestHead
    client: str
    path: str
    written: bytes | None = None
    """For a server, unless a middleware changes the head."""
    course: Course | None = None
    """Where it went the last time."""


@dataclass(slots=True, eq=False)
class LineMemo:
    """Field lines that many requests have in common."""

    lines: dict[bytes, Line] = field(default_factory=dict)

    def read(self, line: bytes) -> Line:
        """The line for the first time, or for the first time in a while."""
        found, secret = _read(line)
        if found[0] != UNUSUAL and not secret and len(line) <= LONGEST_LINE:
            if len(self.lines) >= MOST_LINES:
                self.lines.clear()
            self.lines[line] = found
        return found


_UNUSUAL: Final[tuple[Line, bool]] = ((UNUSUAL, ("", ""), b""), True)


def _read(line: bytes) -> tuple[Line, bool]:
    raw_name, colon, rest = line.partition(b":")
    raw = rest.strip(b" \t")
    if not colon or len(raw.translate(None, _NOT_IN_VALUES)) != len(raw):
        return _UNUSUAL
    known = _PASSED_NAMES.get(raw_name)
    if known is not None:
        value = raw.decode("latin-1")
        return (PASSED, (known[0], value), raw_name + b": " + raw), known[1] in SECRETS
    try:
        lower, name, value = scan_field(line.decode("latin-1"))
    except BadHead:
        return _UNUSUAL
    return (_kind(lower, name, value), (name, value), b"%b: %b" % (raw_name, raw)), lower in SECRETS


def _kind(lower: str, name: str, value: str) -> Kind:
    kind = kind_of(name)
    if lower == "host":
        return HOST
    if lower == "content-length":
        # In latin-1 only 0 to 9 are decimal.
        return LENGTH if value.isdecimal() and len(value) <= LONGEST_LENGTH else UNUSUAL
    if lower == "connection":
        return LEFT_OUT if value.lower() == "keep-alive" else UNUSUAL
    if lower in LOOK_ALIKES or lower in ("transfer-encoding", "upgrade", "expect", "te"):
        return UNUSUAL
    return PASSED if kind == "end-to-end" else LEFT_OUT


@dataclass(frozen=True, slots=True)
class Asked:
    """What a Host field makes of a request on one connection."""

    field: str
    authority: str
    host: str
    address: IPAddress
    client: str
    scheme: str
    port: int
    about: Fields
    opening: bytes
    """The Host line for the server, after the request line."""
    closing: bytes
    """The lines that say who asks."""


class Reader:
    """Reads the ordinary heads of one connection, whose client is not a trusted proxy."""

    __slots__ = ("_asked", "_lines", "_local_port", "_memo", "_peer", "_tls")

    def __init__(self, memo: LineMemo, peer: IPAddress, tls: bool, local_port: int) -> None:
        self._memo = memo
        self._lines = memo.lines
        self._peer = peer
        self._tls = tls
        self._local_port = local_port
        self._asked: Asked | None = None

    def read(self, block: bytes) -> Receipt | None:
        """The head that is exactly this block, final empty line included; None where it is not ordinary."""
        raw_lines = block[:-4].split(b"\r\n")
        if len(raw_lines) > LIMITS.fields + 1 or len(raw_lines[0]) > LIMITS.request_line:
            return None
        start = raw_lines[0].split(b" ")
        if len(start) != 3 or start[2] != b"HTTP/1.1":
            return None
        method = _METHODS.get(start[0])
        target = start[1].decode("latin-1")
        if method is None or not needs_no_change(target):
            return None
        del raw_lines[0]
        lines, memo = self._lines, self._memo
        # Comprehensions: half the time of one loop that does all of it (measured).
        known = [lines.get(raw) or memo.read(raw) for raw in raw_lines]
        host = length = None
        persistent = False
        for kind, pair, _ in [line for line in known if line[0]]:
            if kind == HOST:
                if host is not None:
                    return None
                host = pair[1]
            elif kind == LENGTH:
                if length is not None:
                    return None
                length = pair[1]
            elif kind == UNUSUAL:
                return None
            elif pair[0].lower() == "connection":
                if persistent:
                    return None
                persistent = True
        fields = [line[1] for line in known]
        passed = [line[1] for line in known if line[0] == PASSED or line[0] == LENGTH]
        out = [line[2] for line in known if line[0] == PASSED]
        if not host:
            return None
        asked = self._asked
        if asked is None or asked.field != host:
            asked = self._ask(host)
            if asked is None:
                return None
        framing = NO_BODY if length is None else Framing("length", int(length))
        sent = frame_request(method, framing.length)
        scanned = ScannedRequest(
            method, target, False, tuple(fields), framing, KEEP_ALIVE if persistent else (), True, "", False,
            len(block),
        )  # fmt: skip
        head = RequestHead(
            method, target, (("Host", asked.authority), *passed, *asked.about), asked.host, asked.address,
            asked.scheme, asked.port,
        )  # fmt: skip
        out.append(asked.closing)
        if sent.kind == "length":
            out.append(b"Content-Length: %d" % (sent.length or 0))
        out.append(b"\r\n")
        lead = b"%b %b%b" % (start[0], start[1], asked.opening)
        return Receipt(block, scanned, head, asked.client, target.partition("?")[0], lead + b"\r\n".join(out))

    def forget(self) -> None:
        self._asked = None

    def _ask(self, host_field: str) -> Asked | None:
        if not AUTHORITY.fullmatch(host_field):
            return None
        try:
            authority, host = host_and_authority(host_field)
        except BadRequest:
            return None
        if not host:
            return None
        visitor = visitor_of((), self._peer, self._tls, authority, self._local_port, TrustedProxies())
        about = introduction(visitor, self._peer)
        asked = self._asked = Asked(
            host_field,
            authority,
            host,
            visitor.address,
            str(visitor.address),
            visitor.scheme,
            visitor.port,
            about,
            f" HTTP/1.1\r\nHost: {authority}\r\n".encode("latin-1"),
            "\r\n".join(f"{name}: {value}" for name, value in about).encode("latin-1"),
        )
        return asked


KEEP_ALIVE: Final = ("keep-alive",)
