"""ClientBody: a request's content as aiohttp's lane reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import StreamReader

from proxy.exchange import Fields, Truncated
from proxy.turn import Turn


class ClientBody:
    """The request's content as the gate has checked it and aiohttp has buffered it."""

    def __init__(self, content: StreamReader, turn: Turn, length: int | None) -> None:
        self._content = content
        self._turn = turn
        self.length = length

    @property
    def trailers(self) -> Fields:
        return self._turn.trailers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while piece := await self._content.readany():
                yield piece
        except (ConnectionError, RuntimeError) as error:
            # aiohttp says RuntimeError for a reader whose connection is gone.
            raise Truncated("the client went before the end of its request") from error
