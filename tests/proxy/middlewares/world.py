"""World: the surroundings of a middleware in tests.  Its clock stands still until somebody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from proxy.exchange import BodyMiddleware, Fields, Handler, NeverSent, Request, Response
from proxy.origin import Origin

T = TypeVar("T")
Script = Callable[[Request], Awaitable[Response]]


async def nobody(request: Request) -> Response:
    raise NeverSent("nobody is there")


@dataclass
class World:
    time: float = 1000.0
    outside: Script = nobody
    service: Script = nobody
    down: set[str] = field(default_factory=set)
    pauses: list[float] = field(default_factory=list)
    works: int = 0
    asked: list[tuple[object, Request]] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    async def aside(self, work: Callable[[], T]) -> T:
        self.works += 1
        return await asyncio.to_thread(work)

    async def fetch(self, origin: Origin, request: Request) -> Response:
        self.asked.append((origin, request))
        return await self.outside(request)

    def is_up(self, service: str) -> bool:
        return service not in self.down

    async def ask(self, service: str, request: Request) -> Response:
        self.asked.append((service, request))
        return await self.service(request)


@dataclass
class Backend:
    """An app that remembers what it was asked."""

    response: Response = field(default_factory=lambda: Response(200, body=b"ok"))
    requests: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self.response

    @property
    def request(self) -> Request:
        return self.requests[-1]


def wrapped(middleware: object, handler: Handler) -> Handler:
    assert isinstance(middleware, BodyMiddleware)
    return middleware.wrap(handler)


class Pieces:
    """A body that comes in these pieces; an exception among them is raised there."""

    def __init__(self, *pieces: bytes | Exception, length: int | None = None) -> None:
        self.pieces = pieces
        self.length = length
        self.trailers: Fields = ()
        self.started = self.closed = False

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return _Iterated(self)


class _Iterated(AsyncGenerator[bytes, None]):
    def __init__(self, body: Pieces) -> None:
        self.body, self.left = body, list(body.pieces)

    async def asend(self, value: None) -> bytes:
        self.body.started = True
        if not self.left:
            self.body.closed = True
            raise StopAsyncIteration
        piece = self.left.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def athrow(self, kind: Any, value: Any = None, traceback: Any = None) -> bytes:
        self.body.closed, self.left = True, []
        raise kind if value is None else value


async def content(response: Response) -> bytes:
    if isinstance(response.body, bytes):
        return response.body
    return b"".join([piece async for piece in response.body])
