"""Tasks: the program's loops, each restarted when it dies, none taking another along."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeAlias

import structlog

from proxy.frozen import frozen

Loop: TypeAlias = Callable[[], Awaitable[None]]
"""Starts one loop; called again for each new start, so nothing of a dead run is left in the next."""

WAITS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds before the next start after 1, 2, 3, ... deaths in a row."""

STEADY = 60.0
"""A loop that ran this long before it died had recovered: its next wait is the first one again."""

log = structlog.get_logger("tidegate.tasks")


class EndedError(Exception):
    """A loop that should run for ever came to its end."""


@frozen
class TaskState:
    """One loop as the dashboard shows it."""

    name: str
    state: Literal["running", "waiting", "stopped"] = "stopped"
    deaths: int = 0
    error: str = ""


def restart_wait(deaths_in_a_row: int, jitter: Callable[[], float] = random.random) -> float:
    """Seconds to wait, three quarters to all of the table's value: loops that died together start apart."""
    return WAITS[min(deaths_in_a_row, len(WAITS)) - 1] * (0.75 + jitter() / 4)


class Supervisor:
    """Runs every loop until it is cancelled itself.

    A loop that raises is logged with its traceback and started again after a
    while; so is one that returns, or that is cancelled by anybody but its own
    supervisor (a TaskGroup would drop that one without a word).
    """

    def __init__(
        self, loops: Mapping[str, Loop], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._loops = dict(loops)
        self._sleep = sleep
        self._states = {name: TaskState(name) for name in loops}

    @property
    def states(self) -> tuple[TaskState, ...]:
        return tuple(self._states.values())

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, loop in self._loops.items():
                group.create_task(self._keep(name, loop), name=name)

    async def _keep(self, name: str, loop: Loop) -> None:
        clock = asyncio.get_running_loop().time
        deaths = in_a_row = 0
        error = ""
        try:
            while True:
                started = clock()
                self._states[name] = TaskState(name, "running", deaths, error)
                death = await died_of(loop)
                deaths, error = deaths + 1, in_short(death)
                in_a_row = 1 if clock() - started >= STEADY else in_a_row + 1
                wait = restart_wait(in_a_row)
                self._states[name] = TaskState(name, "waiting", deaths, error)
                log.error("task died", task=name, restart_in=round(wait, 1), exc_info=death)
                await self._sleep(wait)
        finally:
            self._states[name] = TaskState(name, "stopped", deaths, error)


async def died_of(loop: Loop) -> BaseException:
    """What ended the loop; a cancellation of the task that runs it passes through."""
    try:
        await loop()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return error
    except Exception as error:
        return error
    return EndedError("The loop came to its end; it should run for ever.")


def in_short(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
