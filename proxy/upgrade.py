"""Upgrade: after a 101, two byte streams copied both ways until both end.

There is no limit on how long they live or are silent.  Bytes are passed on as
they come: a WebSocket message of any size is never held.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from proxy.exchange import Stream, UpstreamError
from proxy.websocket import GOING_AWAY, Frames, close_frame

HALF_OPEN: Final = 60.0
"""Seconds in which one direction may be silent after the other has ended."""
GOODBYE: Final = 1.0
"""Seconds for both ends to answer when Tidegate stops."""


class Direction:
    """One of the two ways."""

    def __init__(self, source: Stream, sink: Stream, *, masked: bool, websocket: bool) -> None:
        self._source = source
        self._sink = sink
        self._mask = os.urandom(4) if masked else b""
        self._frames = Frames() if websocket else None
        self._leaving = False
        self._said_goodbye = False
        self.broken = False
        self.moved = 0
        source.at_once = self._pass_at_once

    def _pass_at_once(self, data: bytes) -> bool:
        """Most pieces find a sink that takes them: then no task has to be woken for them."""
        if self._leaving or not self._sink.write_at_once(data):
            return False
        self.moved += len(data)
        if self._frames is not None:
            self._frames.feed(data)
        return True

    async def copy(self) -> None:
        """Pass on whatever comes, and in the end its end; after a goodbye, wait for the answer to that."""
        try:
            while data := await self._source.read():
                self.moved += len(data)
                await self._pass_on(data)
                if self._said_goodbye and self._frames and self._frames.closed:
                    return
            self._sink.write_eof()
        except (OSError, UpstreamError):
            self.broken = True  # an end is gone; the caller closes the other one

    async def _pass_on(self, data: bytes) -> None:
        if self._frames is None:
            await self._sink.write(data)
        elif self._said_goodbye:
            self._frames.feed(data)
        elif self._leaving:
            await self._finish_frame(self._frames, data)
        else:
            # Followed first: while the write waits, `leave` has to know where the sink is.
            self._frames.feed(data)
            await self._sink.write(data)

    async def _finish_frame(self, frames: Frames, data: bytes) -> None:
        """Pass on the frame that was under way when we left, then say goodbye instead of the next."""
        end = frames.skip(data)
        rest = b""
        if frames.between and not frames.closed:
            self._said_goodbye = True
            rest = close_frame(GOING_AWAY, self._mask)
        await self._sink.write(data[:end] + rest)

    async def leave(self) -> None:
        """Say 1001 where a frame may stand next (RFC 6455 7.4.1), unless a close has been said."""
        self._leaving = True
        if self._frames is None or self._frames.closed or not self._frames.between:
            return
        self._said_goodbye = True
        try:
            await self._sink.write(close_frame(GOING_AWAY, self._mask))
        except (OSError, UpstreamError):
            self.broken = True


async def join(
    client: Stream, server: Stream, *, websocket: bool, stopping: asyncio.Event, half_open: float = HALF_OPEN
) -> None:
    """Copy both ways until both ends are done, one breaks, or `stopping` is set; then close both."""
    up = Direction(client, server, masked=True, websocket=websocket)
    down = Direction(server, client, masked=False, websocket=websocket)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in (up.copy(), down.copy(), stopping.wait())]
            try:
                await _follow(up, down, tasks, half_open)
                if stopping.is_set() and websocket:
                    await _say_goodbye(group, up, down, tasks[:2])
            finally:
                for task in tasks:
                    task.cancel()
    finally:
        client.at_once = server.at_once = None
        client.close()
        server.close()


async def _follow(up: Direction, down: Direction, tasks: list[asyncio.Task[Any]], half_open: float) -> None:
    """Return when nothing is left to copy, or one direction was silent long after the other ended."""
    *copies, stop = tasks
    pending = set(copies)
    while pending and not (up.broken or down.broken or stop.done()):
        moved = up.moved + down.moved
        await asyncio.wait(
            {*pending, stop},
            timeout=None if len(pending) == 2 else half_open,
            return_when=asyncio.FIRST_COMPLETED,
        )
        before, pending = len(pending), {task for task in copies if not task.done()}
        if before == 1 and up.moved + down.moved == moved:
            return


async def _say_goodbye(
    group: asyncio.TaskGroup, up: Direction, down: Direction, copies: list[asyncio.Task[Any]]
) -> None:
    leaving = [group.create_task(direction.leave()) for direction in (up, down)]
    await asyncio.wait({*leaving, *copies}, timeout=GOODBYE)
    for task in leaving:
        task.cancel()
