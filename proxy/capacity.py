"""Capacity: how many client connections there may be, and who waits while there are that many."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable

RESERVE = 64
"""Descriptors for Docker, certificates, logs, listeners and libraries."""


def connection_cap(open_files: int) -> int:
    """Each client may need a connection to a server too, hence the half; pipes are taken from the rest."""
    reserve = min(max(RESERVE, open_files // 10), open_files // 2)
    return max(1, (open_files - reserve) // 2)


def open_files_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_open_files_limit() -> int:
    """The limit of open files after lifting the soft one to the hard one, as Go programs do at start.

    The usual soft limit of 1,024 protects programs that call select(); we use epoll.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Seat:
    """One connection's place; given up once, however often its owner says so."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity: Capacity | None = capacity

    def leave(self) -> None:
        capacity, self._capacity = self._capacity, None
        if capacity:
            capacity.freed()


class Capacity:
    """The seats of all entrypoints together."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._taken = 0
        self._waiting: list[Callable[[], None]] = []
        self._emptied: asyncio.Future[None] | None = None

    @property
    def full(self) -> bool:
        return self._taken >= self._cap

    @property
    def taken(self) -> int:
        return self._taken

    @property
    def wanted(self) -> bool:
        """Somebody waits for a seat."""
        return bool(self._waiting)

    def take(self) -> Seat:
        self._taken += 1
        return Seat(self)

    def freed(self) -> None:
        self._taken -= 1
        if self._emptied and not self._taken and not self._emptied.done():
            self._emptied.set_result(None)
        waiting, self._waiting = self._waiting, []
        for resume in waiting:
            resume()

    def when_freed(self, resume: Callable[[], None]) -> None:
        """Call `resume` once, as soon as somebody has left."""
        self._waiting.append(resume)

    async def emptied(self) -> None:
        """Wait until everybody has left."""
        if self._taken and (self._emptied is None or self._emptied.done()):
            self._emptied = asyncio.get_running_loop().create_future()
        if self._taken and self._emptied:
            await asyncio.shield(self._emptied)
