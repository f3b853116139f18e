"""Workers: blocking calls in daemon threads of our own.

Never the loop's default executor: its threads are joined when the program
ends, and a call that hangs on a dead engine would hold the exit up with it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Job:
    call: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    def run(self) -> None:
        try:
            result = self.call()
        except Exception as error:  # whatever it is, it belongs to the caller
            self._hand_over(partial(self.future.set_exception, error))
        else:
            self._hand_over(partial(self.future.set_result, result))

    def _hand_over(self, settle: Callable[[], None]) -> None:
        hand_over(self.loop, lambda: None if self.future.done() else settle())


def hand_over(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> bool:
    """Run `call` in the loop; False when the loop is gone, because the program is."""
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        return False
    return True


@dataclass(slots=True)
class Workers:
    """At most `most` threads, started when there is work for them."""

    name: str
    most: int = 1
    _jobs: queue.SimpleQueue[_Job | None] = field(default_factory=queue.SimpleQueue)
    _threads: int = 0
    _busy: int = 0

    async def run(self, call: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._busy >= self._threads < self.most:
            self._threads += 1
            threading.Thread(target=self._work, name=self.name, daemon=True).start()
        self._busy += 1
        self._jobs.put(_Job(call, loop, future))
        try:
            return await future
        finally:
            self._busy -= 1

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        for _ in range(self._threads):
            self._jobs.put(None)
        self._threads = 0

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
