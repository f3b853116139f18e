"""Piping: a response whose content passes through something on its way, and what happens when it is over.

Whoever drops such a response, before or in the middle of its content, lets go
of the server's connection as well: a generator that never started could not.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from proxy.exchange import Body, Fields, Response, Stream

Passage: TypeAlias = Callable[[AsyncIterator[bytes]], AsyncGenerator[bytes, None]]


def nothing() -> None:
    """Nothing happens."""


async def unchanged(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    async for piece in pieces:
        yield piece


async def close(body: bytes | Body) -> None:
    """Let the sender of a body go without reading the rest."""
    if not isinstance(body, bytes):
        pieces = aiter(body)
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


def afterwards(response: Response, done: Callable[[], None]) -> Response:
    """The response; `done` is called, once, when all of it is out or it is given up."""
    over = Once(done)
    if response.upgraded:
        return replace(response, upgraded=Watched(response.upgraded, over))
    if isinstance(response.body, bytes):
        over()
        return response
    return replace(response, body=Piped(response.body, unchanged, response.body.length, over))


class Once:
    """Does it the first time only, and at the latest when nobody could any more."""

    def __init__(self, what: Callable[[], None]) -> None:
        self._what: Callable[[], None] | None = what

    def __call__(self) -> None:
        if self._what:
            what, self._what = self._what, None
            what()

    def __del__(self) -> None:
        self()


@dataclass(slots=True, eq=False)
class Piped:
    """A body made of another one."""

    source: Body
    passage: Passage
    length: int | None = None
    done: Callable[[], None] = nothing

    @property
    def trailers(self) -> Fields:
        return self.source.trailers

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return _Pieces(self)


class _Pieces(AsyncGenerator[bytes, None]):
    def __init__(self, body: Piped) -> None:
        self._done = body.done
        self._source = aiter(body.source)
        self._made = body.passage(self._source)

    async def asend(self, value: None) -> bytes:
        try:
            return await anext(self._made)
        except BaseException:
            await self._end()
            raise

    async def athrow(self, kind: Any, value: Any = None, traceback: Any = None) -> bytes:
        await self._end()
        raise kind if value is None else value

    async def _end(self) -> None:
        try:
            await self._made.aclose()
            if isinstance(self._source, AsyncGenerator):
                await self._source.aclose()
        finally:
            self._done()


@dataclass(slots=True, eq=False)
class Begun:
    """A body of which something has been read already."""

    body: Body
    pieces: AsyncIterator[bytes]
    length: int | None = None

    @property
    def trailers(self) -> Fields:
        return self.body.trailers

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces


async def read_some(body: Body, enough: int) -> tuple[bytes, Body | None]:
    """At least so many bytes where there are any, and what follows; None where nothing does."""
    pieces, start = aiter(body), b""
    begun = Begun(body, pieces)
    try:
        while len(start) < enough:
            start += await anext(pieces)
    except StopAsyncIteration:
        return start, None
    except BaseException:
        await close(begun)
        raise
    return start, begun


def rejoined(start: bytes, rest: Body, length: int | None) -> Body:
    """What `read_some` took apart."""

    async def both(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        yield start
        async for piece in pieces:
            yield piece

    return Piped(rest, both, length)


@dataclass(slots=True, eq=False)
class Watched:
    """An upgraded connection's end that says when it is over."""

    stream: Stream
    done: Callable[[], None]

    @property
    def at_once(self) -> Callable[[bytes], bool] | None:
        return self.stream.at_once

    @at_once.setter
    def at_once(self, take: Callable[[bytes], bool] | None) -> None:
        self.stream.at_once = take

    async def read(self) -> bytes:
        return await self.stream.read()

    async def write(self, data: bytes) -> None:
        await self.stream.write(data)

    def write_at_once(self, data: bytes) -> bool:
        return self.stream.write_at_once(data)

    def write_eof(self) -> None:
        self.stream.write_eof()

    def close(self) -> None:
        try:
            self.stream.close()
        finally:
            self.done()
