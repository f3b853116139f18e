"""ClientStream: the client's end of an upgraded connection, as bytes both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxy.access_log import Tally
from proxy.wire import Hold, Wire

HELD = 64 * 1024
"""Bytes that may wait for the server before the client is made to wait."""


class ClientStream:
    def __init__(self, wire: Wire, tally: Tally, early: bytes) -> None:
        self._wire = wire
        self._tally = tally
        self._arrived = bytearray(early)
        self._ended = False
        self._reader: asyncio.Future[None] | None = None
        self.at_once: Callable[[bytes], bool] | None = None

    def feed(self, data: bytes) -> None:
        self._tally.bytes_in += len(data)
        if self.at_once is not None and self._awaited and self.at_once(data):
            return
        self._arrived += data
        if len(self._arrived) >= HELD:
            self._wire.hold(Hold.UPGRADED)
        self._wake()

    def feed_eof(self) -> None:
        self._ended = True
        self._wake()

    async def read(self) -> bytes:
        while not self._arrived and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = bytes(self._arrived)
        self._arrived.clear()
        self._wire.release(Hold.UPGRADED)
        return data

    async def write(self, data: bytes) -> None:
        self._wire.send(data)
        self._tally.bytes_out += len(data)
        await self._wire.drain()

    def write_at_once(self, data: bytes) -> bool:
        if self._wire.full or not self._wire.open:
            return False
        self._wire.send(data)
        self._tally.bytes_out += len(data)
        return True

    def write_eof(self) -> None:
        self._wire.send_eof()

    def close(self) -> None:
        self._wire.close()

    @property
    def _awaited(self) -> bool:
        """Whether the reader has all that came before."""
        return self._reader is not None and not self._reader.done()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
