"""Spool: whole bodies, in memory while they are small and on disk where they are not."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import IO

from proxy.exchange import Body, Fields
from proxy.held_body import Held
from proxy.piping import close
from proxy.surroundings import Surroundings

PIECE = 256 * 1024


class TooLarge(Exception):
    """The body has more bytes than are allowed."""


@dataclass(slots=True, eq=False)
class OnDisk:
    """Can be iterated as often as need be.  The file has no name: it goes with its last reader."""

    file: IO[bytes]
    length: int
    trailers: Fields
    around: Surroundings

    async def __aiter__(self) -> AsyncIterator[bytes]:
        at = 0
        while piece := await self.around.aside(partial(os.pread, self.file.fileno(), PIECE, at)):
            at += len(piece)
            yield piece


async def spooled(body: Body, around: Surroundings, memory: int, most: int) -> Held | OnDisk:
    """All of the body; TooLarge where it has more than `most` bytes (0: any)."""
    async with AsyncExitStack() as unfinished:
        unfinished.push_async_callback(close, body)
        if most and (body.length or 0) > most:
            raise TooLarge
        whole = await _taken_in(body, around, memory, most)
        unfinished.pop_all()
        return whole


async def _taken_in(body: Body, around: Surroundings, memory: int, most: int) -> Held | OnDisk:
    kept, length = bytearray(), 0
    file: IO[bytes] | None = None
    async for piece in body:
        length += len(piece)
        if most and length > most:
            raise TooLarge
        kept += piece
        if len(kept) > (memory if file is None else PIECE):
            file = await around.aside(partial(_written, file, kept))
            kept.clear()
    if file is None:
        return Held(bytes(kept), body.trailers)
    return OnDisk(await around.aside(partial(_written, file, kept)), length, body.trailers, around)


def _written(file: IO[bytes] | None, data: bytearray) -> IO[bytes]:
    if file is None:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the body
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
    view.release()
    return file
