"""Message: what a request's and a response's head are between the two sockets, and a whole response.

Immutable values over text decoded as latin-1, so that every byte of a field
value survives (RFC 9110 5.5: obs-text is opaque).  Those made for each request
have constructors of their own: the one that `dataclass` writes is not compiled
and takes ten times as long (measured).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from proxy.exchange import Body, Stream

IPAddress: TypeAlias = IPv4Address | IPv6Address
Fields: TypeAlias = tuple[tuple[str, str], ...]
"""Field lines in the order and the spelling in which they came."""


def get(fields: Fields, name: str, default: str = "") -> str:
    """The field's value, several lines joined by a comma (RFC 9110 5.3)."""
    lower = name.lower()
    found = [value for key, value in fields if key == name or key.lower() == lower]
    if not found:
        return default
    return (found[0] if len(found) == 1 else ", ".join(found)) or default


def without(fields: Fields, *names: str) -> Fields:
    dropped = {name.lower() for name in names}
    return tuple([line for line in fields if line[0].lower() not in dropped])


def with_field(fields: Fields, name: str, value: str) -> Fields:
    """`fields` with exactly one line called `name`."""
    lower, size = name.lower(), len(name)
    kept = [line for line in fields if len(line[0]) != size or line[0].lower() != lower]
    kept.append((name, value))
    return tuple(kept)


@dataclass(init=False, unsafe_hash=True)
class RequestHead:
    """A request without its body, as routing and middlewares see it.

    `target` is the request target in origin-form (or `*`), normalised once
    (RFC 3986 6.2.2); rules judge exactly the bytes that the server will get.
    `host` is the authority asked for: lower case, without port or final dot,
    empty where the client named none.  `client_ip` and `scheme` are the
    visitor's own: behind a trusted proxy they are what that proxy reported.
    `certificate` is what the other side of the connection has proved to be
    (DER), empty where nobody asked.
    """

    method: Final[str]
    target: Final[str]
    fields: Final[Fields]
    host: Final[str]
    client_ip: Final[IPAddress]
    scheme: Final[str]
    port: Final[int]
    http10: Final[bool]
    certificate: Final[bytes]

    def __init__(
        self,
        method: str,
        target: str,
        fields: Fields,
        host: str,
        client_ip: IPAddress,
        scheme: str = "http",
        port: int = 80,
        http10: bool = False,
        certificate: bytes = b"",
    ) -> None:
        self.method = method
        self.target = target
        self.fields = fields
        self.host = host
        self.client_ip = client_ip
        self.scheme = scheme
        self.port = port
        self.http10 = http10
        self.certificate = certificate
        self.path = target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def get(self, name: str, default: str = "") -> str:
        return get(self.fields, name, default)

    def with_fields(self, fields: Fields) -> RequestHead:
        """The same request with these fields; `dataclasses.replace` takes ten times as long (measured)."""
        return RequestHead(
            self.method, self.target, fields, self.host, self.client_ip, self.scheme, self.port, self.http10,
            self.certificate,
        )  # fmt: skip

    def at(self, target: str) -> RequestHead:
        """The same request for another target."""
        return RequestHead(
            self.method, target, self.fields, self.host, self.client_ip, self.scheme, self.port, self.http10,
            self.certificate,
        )  # fmt: skip

    def with_field(self, name: str, value: str) -> RequestHead:
        return self.with_fields(with_field(self.fields, name, value))

    def without(self, *names: str) -> RequestHead:
        return self.with_fields(without(self.fields, *names))


@dataclass(init=False, unsafe_hash=True)
class ResponseHead:
    status: Final[int]
    fields: Final[Fields]
    reason: Final[str]

    def __init__(self, status: int, fields: Fields = (), reason: str = "") -> None:
        self.status = status
        self.fields = fields
        self.reason = reason

    def with_fields(self, fields: Fields) -> ResponseHead:
        return ResponseHead(self.status, fields, self.reason)

    def get(self, name: str, default: str = "") -> str:
        return get(self.fields, name, default)


@dataclass(init=False, unsafe_hash=True)
class Response(ResponseHead):
    """A whole response as a value: no middleware ever touches a socket.

    With status 101 `upgraded` is the server's end of the connection.
    """

    body: Final[bytes | Body]
    upgraded: Final[Stream | None]

    def __init__(
        self,
        status: int,
        fields: Fields = (),
        reason: str = "",
        body: bytes | Body = b"",
        upgraded: Stream | None = None,
    ) -> None:
        super().__init__(status, fields, reason)
        self.body = body
        self.upgraded = upgraded

    def with_fields(self, fields: Fields) -> Response:
        return Response(self.status, fields, self.reason, self.body, self.upgraded)

    def under(self, head: ResponseHead) -> Response:
        """The same content under another head."""
        return Response(head.status, head.fields, head.reason, self.body, self.upgraded)
