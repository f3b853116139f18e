"""Quietly: large values made in a thread without the loop standing still for them.

Two things stop all threads.  One is the collector: each of its full rounds
looks at every object there is, 0.3 to 0.7 s at 10,000 routers (measured), and
making a table sets off two.  What a table consists of holds no cycles, so the
collector has nothing to find there: it is off meanwhile, and what has been
made is then set aside from it.  The other is the interpreter's lock, which a
thread that only computes gives away when asked for, after the switch interval.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

LARGE = 10_000
"""Objects made at a time; with fewer the collector does not take long, and is left alone."""
MOST_FROZEN = 1_000
"""Times after which everything is looked at once: cycles of others that fell into such a time are lost."""
SWITCH = 0.001
"""Seconds; the usual 5 ms would be added to every turn of the loop."""


@dataclass(slots=True)
class _Quiet:
    """How many are at it, and what has to be put back."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    inside: int = 0
    was_on: bool = True
    interval: float = 0.005
    frozen: int = 0

    def enter(self) -> None:
        with self.lock:
            if self.inside == 0:
                self.was_on, self.interval = gc.isenabled(), sys.getswitchinterval()
                gc.disable()
                sys.setswitchinterval(SWITCH)
            self.inside += 1

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside:
                return
            if gc.get_count()[0] > LARGE:
                self._set_aside()
            if self.was_on:
                gc.enable()
            sys.setswitchinterval(self.interval)

    def _set_aside(self) -> None:
        self.frozen += 1
        if self.frozen > MOST_FROZEN:
            self.frozen = 0
            gc.unfreeze()
            gc.collect()
        gc.freeze()


_quiet = _Quiet()


@contextmanager
def quietly() -> Iterator[None]:
    _quiet.enter()
    try:
        yield
    finally:
        _quiet.leave()


def let_go(held: MutableSequence[T], pieces: list[object]) -> None:
    """Forget what `held` holds, then its pieces one by one.

    What goes all at once stops every thread until all of it is gone: 40 ms for
    a table of 10,000 routers (measured).
    """
    held.clear()
    while pieces:
        pieces.pop()
