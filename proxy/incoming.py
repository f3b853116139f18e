"""Incoming: bytes from a server on their way to whoever reads them, bounded: the server is made to wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

from proxy.exchange import Fields

HIGH: Final = 64 * 1024
"""Octets that wait for a slow client before its server has to wait, too; one read more may come on top.

The server goes on when the reader comes back for more, not when it takes what is here: what it cannot get
rid of would wait twice.
"""

MANY: Final = 64
"""Pieces that are kept as they came; of a server's single octets, thousands take more than they hold."""
SMALL: Final = 4 * 1024


class Source(Protocol):
    """The connection that the bytes come from."""

    def hold(self) -> None: ...
    def release(self) -> None: ...
    def abort(self) -> None: ...


class Incoming:
    """The content of one response, or one end of a tunnel.  It outlives its connection's part in it."""

    __slots__ = ("_ended", "_error", "_pieces", "_size", "_source", "_waiter", "at_once", "trailers")

    def __init__(self, source: Source) -> None:
        self._source: Source | None = source
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.trailers: Fields = ()
        self.at_once: Callable[[bytes], bool] | None = None
        """Asked with what comes while somebody waits for it, and whether it has seen to it."""

    def put(self, piece: bytes) -> None:
        if not piece or (self.at_once is not None and self._awaited and self.at_once(piece)):
            return
        pieces = self._pieces
        if len(pieces) >= MANY and len(pieces[-1]) + len(piece) <= SMALL:
            pieces[-1] += piece
        else:
            pieces.append(piece)
        self._size += len(piece)
        if self._size >= HIGH and self._source:
            self._source.hold()
        self._wake()

    def end(self, trailers: Fields = ()) -> None:
        self._ended, self._source, self.trailers = True, None, trailers
        self._wake()

    def fail(self, error: Exception) -> None:
        """What came before the error is still read; the error takes the place of the end."""
        if not self._ended:
            self._ended, self._source, self._error = True, None, error
            self._wake()

    async def get(self) -> bytes:
        """The next piece, b"" at the end."""
        while not self._pieces:
            if self._error:
                raise self._error
            if self._ended:
                return b""
            if self._source:
                self._source.release()
                if self._ended or self._pieces:
                    continue  # a connection can end while it is told to go on
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        piece = self._pieces.popleft()
        self._size -= len(piece)
        return piece

    def abandon(self) -> None:
        """Nobody will read the rest: its connection is of no use to anybody else."""
        source, self._source = self._source, None
        self._pieces.clear()
        if source:
            source.abort()

    @property
    def _awaited(self) -> bool:
        """Whether the reader has all that came before."""
        return self._waiter is not None and not self._waiter.done()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


class ResponseBody:
    """A response's content as its reader holds it; who drops it half read drops its connection with it."""

    __slots__ = ("_incoming", "length")

    def __init__(self, incoming: Incoming, length: int | None) -> None:
        self._incoming = incoming
        self.length = length

    @property
    def trailers(self) -> Fields:
        return self._incoming.trailers

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._incoming.get()
        except asyncio.CancelledError:
            self.close()
            raise
        if not piece:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        self._incoming.abandon()

    def __del__(self) -> None:
        self._incoming.abandon()
