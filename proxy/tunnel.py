"""Tunnel: the server's end of an upgraded connection, as bytes both ways."""

from __future__ import annotations

from typing import Protocol

from proxy.incoming import Incoming


class End(Protocol):
    """The connection below."""

    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...
    def write_eof(self) -> None: ...
    def close(self) -> None: ...


class Tunnel:
    """An `exchange.Stream`.  Who drops it closes the connection: nothing else would, it has no limits."""

    __slots__ = ("_end", "_incoming")

    def __init__(self, end: End, incoming: Incoming) -> None:
        self._end = end
        self._incoming = incoming

    async def read(self) -> bytes:
        return await self._incoming.get()

    async def write(self, data: bytes) -> None:
        self._end.write(data)
        await self._end.drain()

    def write_eof(self) -> None:
        self._end.write_eof()

    def close(self) -> None:
        self._end.close()

    def __del__(self) -> None:
        self._end.close()
