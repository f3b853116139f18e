"""Facade: what aiohttp is shown in place of the client's socket, and fed in place of the client's bytes.

aiohttp may slow the client down and say that it is done.  It never writes:
every byte to the client is ours.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from proxy.framing import Framing
from proxy.wire import Hold


class Holder(Protocol):
    """What aiohttp's side may ask of the dialogue."""

    def hold(self, reason: int) -> None: ...
    def release(self, reason: int) -> None: ...
    def lane_done(self) -> None: ...


class Facade(asyncio.Transport):
    def __init__(self, dialogue: Holder, lane: asyncio.Protocol) -> None:
        super().__init__()
        self._dialogue: Holder | None = dialogue
        self._lane = lane
        lane.connection_made(self)

    # From the dialogue

    def begin(self, framing: Framing) -> None:
        """Start a handler; it finds the request itself in the connection's turn."""
        self._lane.data_received(canonical_head(framing))

    def feed(self, content: bytes) -> None:
        self._lane.data_received(content)

    def detach(self) -> None:
        """Take the connection away: the handler is cancelled, and with it what it asked of a server."""
        self._dialogue = None
        self._lane.connection_lost(ConnectionResetError("the client left"))

    # From aiohttp

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._dialogue if name == "dialogue" else default

    def pause_reading(self) -> None:
        if self._dialogue:
            self._dialogue.hold(Hold.AIOHTTP)

    def resume_reading(self) -> None:
        if self._dialogue:
            self._dialogue.release(Hold.AIOHTTP)

    def is_closing(self) -> bool:
        return self._dialogue is None

    def close(self) -> None:
        dialogue, self._dialogue = self._dialogue, None
        if dialogue:
            dialogue.lane_done()

    def abort(self) -> None:
        self.close()

    def write(self, data: Any) -> None:
        raise ConnectionResetError("only the connection itself writes to the client")


def canonical_head(framing: Framing) -> bytes:
    """What aiohttp gets to read in place of the client's head: where the content ends, and nothing else."""
    match framing.kind:
        case "length":
            body = b"Content-Length: %d\r\n" % (framing.length or 0)
        case "chunked":
            body = b"Transfer-Encoding: chunked\r\n"
        case _:
            body = b""
    return b"POST / HTTP/1.1\r\nHost: x\r\n" + body + b"\r\n"
