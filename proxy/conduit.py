"""Conduit: the content of a large message from one plain socket to another without passing through us.

The kernel moves the pages through a pipe (splice(2)): a quarter of nginx's
processor time for 1 GiB (measured).  Only for content whose length is known, so
that what comes after it is never moved along.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from proxy.socket_transport import SocketTransport

WORTH_IT: Final = 256 * 1024
"""Octets to come below which two more system calls and a pipe cost more than the copy."""
CAPACITY: Final = 512 * 1024
"""Octets that a pipe holds, where the system allows it."""
LEAST: Final = 64 * 1024
"""A user who has too many pipes gets them with 8 KiB, through which it takes longer than by copying."""
SET_CAPACITY: Final = 1031  # F_SETPIPE_SZ
GET_CAPACITY: Final = 1032
MOST_SPARE: Final = 16
MOVE: Final = 1 | 2  # SPLICE_F_MOVE, SPLICE_F_NONBLOCK
"""Never SPLICE_F_MORE, which holds pieces back for 200 ms (measured)."""
NOT_HERE: Final = (errno.EINVAL, errno.ENOSYS)
"""What systems say that know sockets and pipes but not this."""

Pipe: TypeAlias = tuple[int, int]

_spare: list[Pipe] = []
"""Pipes that are empty; making one takes 5 microseconds (measured)."""


def take_pipe() -> Pipe | None:
    """An empty pipe; None where no descriptor is left for one: what it was for can be copied."""
    if _spare:
        return _spare.pop()
    try:
        ends = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with suppress(OSError):  # a user has only so much room in pipes
        fcntl.fcntl(ends[0], SET_CAPACITY, CAPACITY)
    if fcntl.fcntl(ends[0], GET_CAPACITY) < LEAST:
        drop(ends)
        return None
    return ends


def drop(pipe: Pipe) -> None:
    os.close(pipe[0])
    os.close(pipe[1])


class Conduit:
    """Moves exactly `size` octets; `moved` is told of each piece that has come, `done` when all have left.

    `hold` and `release` say when the source has to wait for the sink, whose ends are told as ever.
    """

    def __init__(
        self,
        pipe: Pipe,
        source: SocketTransport,
        sink: SocketTransport,
        size: int,
        *,
        moved: Callable[[int], None],
        hold: Callable[[], None],
        release: Callable[[], None],
        done: Callable[[], None],
    ) -> None:
        self._source = source
        self._sink = sink
        self._to_come = size
        self._moved = moved
        self._hold = hold
        self._release = release
        self._done = done
        self._out, self._in = pipe
        self.blocked = False
        """The sink takes no more at the moment."""
        self._over = False
        self.held = 0
        """Octets in the pipe."""
        source.inflow = self
        sink.outflow = self

    def fill(self, descriptor: int) -> bool:
        """The source can be read; False where that is its end."""
        if not self._to_come:
            return True
        try:
            came = os.splice(descriptor, self._in, min(self._to_come, CAPACITY), flags=MOVE)
        except OSError as error:
            if error.errno not in NOT_HERE or self.held:
                raise
            self.stop()  # the rest is copied
            return True
        self._to_come -= came
        self.held += came
        if came:
            self._moved(came)
            self._sink.drain()
        return bool(came)

    def empty(self, descriptor: int) -> None:
        """The sink can be written."""
        while self.held:
            try:
                left = os.splice(self._out, descriptor, self.held, flags=MOVE)
            except BlockingIOError:
                if not self.blocked:
                    self.blocked = True
                    self._hold()
                return
            self.held -= left
        if self.blocked:
            self.blocked = False
            self._release()
        if not self._to_come and not self._over:
            self.stop()
            self._done()

    def stop(self) -> None:
        """No more is moved; what is in the pipe is lost."""
        if self._over:
            return
        self._over = True
        self._source.inflow = self._sink.outflow = None
        if self.held or len(_spare) >= MOST_SPARE:
            drop((self._out, self._in))
        else:
            _spare.append((self._out, self._in))
        self.held = 0
        self._sink.drain()
