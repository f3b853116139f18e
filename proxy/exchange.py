"""Exchange: what a request and its response are to everything between the two sockets.

Heads are immutable values over text decoded as latin-1, so that every byte of
a field value survives (RFC 9110 5.5: obs-text is opaque).  A middleware that
looks at heads only (`OnRequest`, `OnResponse`) works in every lane; one that
needs the body or has to wait is a `BodyMiddleware`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from proxy.surroundings import Surroundings

IPAddress: TypeAlias = IPv4Address | IPv6Address
Fields: TypeAlias = tuple[tuple[str, str], ...]
"""Field lines in the order and the spelling in which they came."""


def get(fields: Fields, name: str, default: str = "") -> str:
    """The field's value, several lines joined by a comma (RFC 9110 5.3)."""
    return ", ".join(value for key, value in fields if key.lower() == name.lower()) or default


def without(fields: Fields, *names: str) -> Fields:
    dropped = {name.lower() for name in names}
    return tuple(line for line in fields if line[0].lower() not in dropped)


def with_field(fields: Fields, name: str, value: str) -> Fields:
    """`fields` with exactly one line called `name`."""
    return (*without(fields, name), (name, value))


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request without its body, as routing and middlewares see it.

    `target` is the request target in origin-form (or `*`), normalised once
    (RFC 3986 6.2.2); rules judge exactly the bytes that the server will get.
    `host` is the authority asked for: lower case, without port or final dot,
    empty where the client named none.  `client_ip` and `scheme` are the
    visitor's own: behind a trusted proxy they are what that proxy reported.
    """

    method: str
    target: str
    fields: Fields
    host: str
    client_ip: IPAddress
    scheme: str = "http"
    port: int = 80
    http10: bool = False

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def get(self, name: str, default: str = "") -> str:
        return get(self.fields, name, default)

    def with_field(self, name: str, value: str) -> RequestHead:
        return replace(self, fields=with_field(self.fields, name, value))

    def without(self, *names: str) -> RequestHead:
        return replace(self, fields=without(self.fields, *names))


@dataclass(frozen=True, slots=True)
class ResponseHead:
    status: int
    fields: Fields = ()
    reason: str = ""

    def get(self, name: str, default: str = "") -> str:
        return get(self.fields, name, default)


class Body(Protocol):
    """A message's content while it arrives.

    Iterating yields non-empty pieces, applies back-pressure to the sender and
    raises `Truncated` when the sender goes before the end.  `length` is the
    number of bytes where the sender announced it, else None.  `trailers` is
    complete once iteration has ended.
    """

    @property
    def length(self) -> int | None: ...
    @property
    def trailers(self) -> Fields: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Stream(Protocol):
    """One end of an upgraded connection: bytes both ways until both sides ended."""

    async def read(self) -> bytes:
        """The next piece, b"" at the end."""

    async def write(self, data: bytes) -> None:
        """Send, waiting while the other side is slow."""

    def write_eof(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Empty:
    """The body of a message without one."""

    length: int | None = 0
    trailers: Fields = ()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        return
        yield b""


@dataclass(frozen=True, slots=True)
class Response(ResponseHead):
    """A whole response as a value: no middleware ever touches a socket.

    With status 101 `upgraded` is the server's end of the connection.
    """

    body: bytes | Body = b""
    upgraded: Stream | None = None


def no_inform(head: ResponseHead) -> None:
    """Nobody waits for interim responses."""


@dataclass(frozen=True, slots=True)
class Request:
    head: RequestHead
    body: Body = field(default_factory=Empty)
    inform: Callable[[ResponseHead], None] = no_inform
    """Passes an interim (1xx) response to the client at once (RFC 9110 15.2)."""


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


@runtime_checkable
class OnRequest(Protocol):
    def on_request(self, request: RequestHead, /) -> RequestHead | Response: ...


@runtime_checkable
class OnResponse(Protocol):
    def on_response(self, response: ResponseHead, request: RequestHead, /) -> ResponseHead: ...


@runtime_checkable
class BodyMiddleware(Protocol):
    def wrap(self, next_handler: Handler, /) -> Handler: ...


Acting: TypeAlias = OnRequest | OnResponse | BodyMiddleware


@runtime_checkable
class Begins(Protocol):
    """Declared as a value like any other; what remembers, waits or asks somebody is begun from it.

    What has begun is kept through new tables while the router declares the same (`proxy.running`).
    """

    def begin(self, around: Surroundings, /) -> Acting: ...


@runtime_checkable
class Expands(Protocol):
    """Stands for other middlewares, by their names."""

    @property
    def middlewares(self) -> tuple[str, ...]: ...


Middleware: TypeAlias = Acting | Begins | Expands


class UpstreamError(Exception):
    """The server of a route failed; mapped once, at the lane, to the status below."""

    status = 502


class NeverSent(UpstreamError):
    """Nothing of the request reached the server: asking another one is safe."""


class NoServer(NeverSent):
    """The service has no server that is up."""

    status = 503


class TimedOut(UpstreamError):
    """The server did not answer in time."""

    status = 504


class Truncated(UpstreamError):
    """The sender of a body went before its end."""
