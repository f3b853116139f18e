"""ClientStream: the client's end of an upgraded connection, as bytes both ways."""

from __future__ import annotations

import asyncio

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

    def feed(self, data: bytes) -> None:
        self._arrived += data
        self._tally.bytes_in += len(data)
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

    def write_eof(self) -> None:
        self._wire.send_eof()

    def close(self) -> None:
        self._wire.close()

    def _wake(self) -> None:
        if self._reader and not self._reader.done():
            self._reader.set_result(None)
