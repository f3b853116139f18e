"""Rereading: content that can be read once more, where none of it has been read, or all and it was small."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from proxy.exchange import Body, Fields

MOST: Final = 64 * 1024
"""Octets that are kept."""


class Rereadable:
    """Who stops reading in the middle has cut it: what is left then is not its rest."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._kept: list[bytes] = []
        self._size = 0
        self._ended = False
        self.untouched = True
        """The body below is as it was."""

    @property
    def length(self) -> int | None:
        return self._body.length

    @property
    def trailers(self) -> Fields:
        return self._body.trailers

    @property
    def again(self) -> bool:
        """It can be read from its beginning."""
        whole = self._ended or self._size == self.length
        return self.untouched or (whole and self._size <= MOST)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self.again:
            raise ValueError("the beginning is gone")
        if not self.untouched:
            for piece in tuple(self._kept):
                yield piece
            return
        self.untouched = False
        async for piece in self._body:
            self._size += len(piece)
            if self._size <= MOST:
                self._kept.append(piece)
            else:
                self._kept.clear()
            yield piece
        self._ended = True
