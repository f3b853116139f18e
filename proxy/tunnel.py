"""Tunnel: the server's end of an upgraded connection, as bytes both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy.incoming import Incoming


class End(Protocol):
    """The connection below."""

    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...
    def write_at_once(self, data: bytes) -> bool: ...
    def write_eof(self) -> None: ...
    def close(self) -> None: ...


class Tunnel:
    """An `exchange.Stream`.  Who drops it closes the connection: nothing else would, it has no limits."""

    __slots__ = ("_end", "_incoming")

    def __init__(self, end: End, incoming: Incoming) -> None:
        self._end = end
        self._incoming = incoming

    @property
    def at_once(self) -> Callable[[bytes], bool] | None:
        return self._incoming.at_once

    @at_once.setter
    def at_once(self, take: Callable[[bytes], bool] | None) -> None:
        self._incoming.at_once = take

    async def read(self) -> bytes:
        return await self._incoming.get()

    async def write(self, data: bytes) -> None:
        self._end.write(data)
        await self._end.drain()

    def write_at_once(self, data: bytes) -> bool:
        return self._end.write_at_once(data)

    def write_eof(self) -> None:
        self._end.write_eof()

    def close(self) -> None:
        self._end.close()

    def __del__(self) -> None:
        self._end.close()
