"""Worker: blocking calls in daemon threads of their own.

Not the loop's default executor: its few threads also resolve names for the
proxy, and a CA that hangs must not stop requests.  Daemon threads, because the
threads of an executor are joined at exit, and a stop has to be at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, ParamSpec, TypeVar

from acme_client.frozen import frozen

P = ParamSpec("P")
T = TypeVar("T")


@frozen
class _Job:
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    work: Callable[[], Any]

    def run(self) -> None:
        if self.future.cancelled():
            return
        try:
            settle = partial(self._settle, self.work(), None)
        except Exception as error:
            settle = partial(self._settle, None, error)
        try:
            self.loop.call_soon_threadsafe(settle)
        except RuntimeError:
            return  # the loop was closed meanwhile: the program is stopping and nobody waits for this

    def _settle(self, value: Any, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)


class Worker:
    """A queue and its threads, started with the first call."""

    def __init__(self, name: str, threads: int) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = [
            Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        self._started = False

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns or raises.  A cancelled call that has begun runs to its end unwatched."""
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(loop, future, partial(function, *args, **kwargs)))
        return await future

    def stop(self) -> None:
        """Let the threads end when what they do is done; does not wait for them."""
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
