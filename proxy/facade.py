"""Facade: the transport that aiohttp is shown in place of the client's socket.

aiohttp may slow the client down and say that it is done.  It never writes:
every byte to the client is ours.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol


class Holder(Protocol):
    """What the facade asks of the connection behind it."""

    def hold(self, reason: str) -> None: ...
    def release(self, reason: str) -> None: ...
    def lane_done(self) -> None: ...


class Facade(asyncio.Transport):
    def __init__(self, connection: Holder) -> None:
        super().__init__()
        self._connection: Holder | None = connection

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._connection if name == "connection" else default

    def pause_reading(self) -> None:
        if self._connection:
            self._connection.hold("aiohttp")

    def resume_reading(self) -> None:
        if self._connection:
            self._connection.release("aiohttp")

    def is_closing(self) -> bool:
        return self._connection is None

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.lane_done()

    def abort(self) -> None:
        self.close()

    def write(self, data: Any) -> None:
        raise ConnectionResetError("only the connection itself writes to the client")
