"""Poller: an epoll of our own inside the loop's, for the sockets of the data path.

The loop sees one descriptor that is readable whenever any of these sockets is
ready, and all of them are served in one go: no handle, no context and no
selector key for each event.  That was a tenth of a small request in a prototype.
"""

from __future__ import annotations

import asyncio
import select
from typing import Final
from weakref import WeakKeyDictionary

from mypy_extensions import mypyc_attr

READABLE: Final = 1  # EPOLLIN
WRITABLE: Final = 4  # EPOLLOUT
NO_MORE: Final = 0x2000  # EPOLLRDHUP: the other side has ended its half
ONCE_PER_ARRIVAL: Final = 1 << 31  # EPOLLET: told once for each time that something new comes
TROUBLE: Final = 0x18  # EPOLLERR | EPOLLHUP: reading or writing says which

BATCH: Final = 128
"""Sockets served at a time."""
BUSY: Final = 16
"""So many at once, and there are more by now: they are served before the loop is asked."""
BATCHES: Final = 4
"""Then timers, signals and everything else get their turn."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Watched:
    """Whose socket it is."""

    def ready(self, events: int) -> None:
        """The socket can be read or written, or is in trouble; it may also be neither by now."""
        raise NotImplementedError


class Poller:
    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._poll = self._epoll.poll
        self._watched: dict[int, Watched] = {}
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._serve)

    def watch(self, descriptor: int, watched: Watched, events: int) -> None:
        self._epoll.register(descriptor, events)
        self._watched[descriptor] = watched

    def change(self, descriptor: int, events: int) -> None:
        self._epoll.modify(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """Call it before the descriptor is closed: its number is given to the next socket."""
        if self._watched.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def _serve(self) -> None:
        for _ in range(BATCHES):
            ready = self._poll(0, BATCH)
            for descriptor, events in ready:
                # Whoever was served before may have closed this one.
                watched = self._watched.get(descriptor)
                if watched is not None:
                    try:
                        watched.ready(events)
                    except Exception as bug:
                        report("a connection could not be served", bug)
                        self.forget(descriptor)  # or it would be told the same again at once, for ever
            if len(ready) < BUSY:
                return


def report(what: str, bug: Exception) -> None:
    """A fault of ours, for the log; everybody else is served on."""
    asyncio.get_running_loop().call_exception_handler({"message": what, "exception": bug})


_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, Poller] = WeakKeyDictionary()


def poller() -> Poller:
    """The running loop's own."""
    loop = asyncio.get_running_loop()
    found = _pollers.get(loop)
    if found is None:
        found = _pollers[loop] = Poller()
    return found
