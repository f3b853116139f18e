"""Exchange: what a request and its response are to everything between the two sockets.

A middleware that looks at heads only (`OnRequest`, `OnResponse`) works in every
lane; one that needs the body or has to wait is a `BodyMiddleware`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import field
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from proxy.frozen import frozen
from proxy.message import (
    Fields,
    IPAddress,
    RequestHead,
    Response,
    ResponseHead,
    get,
    with_field,
    without,
)

if TYPE_CHECKING:
    from proxy.surroundings import Surroundings

__all__ = (
    "Acting", "AtOnce", "Begins", "Body", "BodyMiddleware", "ConnectTimedOut", "Empty", "Expands", "Fields",
    "Handler", "IPAddress",
    "Middleware", "NeverSent", "NoServer", "OnRequest", "OnResponse", "Request", "RequestHead", "Response",
    "ResponseHead", "Stream", "TimedOut", "Truncated", "UpstreamError", "get", "is_steady", "no_inform",
    "treats_alike", "with_field", "without",
)  # fmt: skip


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

    at_once: Callable[[bytes], bool] | None
    """Asked with what comes while `read` waits, and whether it has seen to it; then `read` waits on."""

    async def read(self) -> bytes:
        """The next piece, b"" at the end."""

    async def write(self, data: bytes) -> None:
        """Send, waiting while the other side is slow."""

    def write_at_once(self, data: bytes) -> bool:
        """Send, unless that would have to wait or cannot be; whether it was."""

    def write_eof(self) -> None: ...
    def close(self) -> None: ...


@frozen
class Empty:
    """The body of a message without one."""

    length: int | None = 0
    trailers: Fields = ()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        return
        yield b""


def no_inform(head: ResponseHead) -> None:
    """Nobody waits for interim responses."""


@frozen
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


def is_steady(middleware: OnRequest | OnResponse) -> bool:
    """Whether what it does depends on the heads alone, so that it may be remembered: it says so itself.

    No clock, no counter, nothing that it has seen before and nothing of chance.
    """
    return getattr(middleware, "steady", False) is True


def treats_alike(middleware: OnResponse) -> bool:
    """Whether what it does to an answer depends on that answer's head alone: it says so itself."""
    return getattr(middleware, "alike", False) is True


@runtime_checkable
class BodyMiddleware(Protocol):
    def wrap(self, next_handler: Handler, /) -> Handler: ...


@runtime_checkable
class AtOnce(BodyMiddleware, Protocol):
    """One that mostly has nothing to wait for, and does nothing to the answers of those whom it lets in."""

    def at_once(self, request: RequestHead, /) -> RequestHead | None:
        """The head as the next one gets it; None, and nothing done, where `wrap` is needed for it."""


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
    detail = ""
    """A sentence for the visitor instead of the usual one."""


class NeverSent(UpstreamError):
    """Nothing of the request reached the server: asking another one is safe."""


class NoServer(NeverSent):
    """The service has no server that is up."""

    status = 503


class TimedOut(UpstreamError):
    """The server did not answer in time."""

    status = 504


class ConnectTimedOut(NeverSent, TimedOut):
    """The server did not even accept a connection: 504, and another one may be asked."""

    status = TimedOut.status


class Truncated(UpstreamError):
    """The sender of a body went before its end."""
