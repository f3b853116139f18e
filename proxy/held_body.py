"""Held body: content kept in memory, so that it can be sent again or judged as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

from proxy.exchange import Body, Fields
from proxy.frozen import frozen
from proxy.piping import read_some, rejoined


@frozen
class Held:
    """Can be iterated as often as need be."""

    data: bytes
    trailers: Fields = ()

    @property
    def length(self) -> int:
        return len(self.data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.data:
            yield self.data


async def hold(body: Body, most: int | None) -> tuple[Held, Body | None]:
    """What fits; and where that is not all, a body from which everything can still be read once."""
    if most is not None and body.length is not None and body.length > most:
        return Held(b""), body
    enough = (1 << 62) if most is None else most + 1
    start, rest = await read_some(body, enough)
    if rest is None:
        return Held(start, body.trailers), None
    return Held(b""), rejoined(start, rest, body.length)
