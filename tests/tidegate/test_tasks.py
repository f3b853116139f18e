import asyncio
from collections.abc import Callable

import pytest
import structlog

from tidegate.tasks import STEADY, WAITS, Supervisor, TaskState, restart_wait


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not claim():
            await asyncio.sleep(0)


class Naps:
    """Waits that pass at once and are written down."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_loop_that_dies_is_started_again_and_the_rest_keeps_going():
    naps, starts = Naps(), {"bad": 0, "good": 0}

    async def bad() -> None:
        starts["bad"] += 1
        if starts["bad"] < 4:
            raise ValueError("engine went away")
        await for_ever()

    async def good() -> None:
        starts["good"] += 1
        await for_ever()

    supervisor = Supervisor({"bad": bad, "good": good}, sleep=naps)
    with structlog.testing.capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(supervisor.run())
            await until(lambda: starts["bad"] == 4)
            assert supervisor.states == (
                TaskState("bad", "running", 3, "ValueError: engine went away"),
                TaskState("good", "running"),
            )
            running.cancel()
    assert starts == {"bad": 4, "good": 1}
    assert [state.state for state in supervisor.states] == ["stopped", "stopped"]
    assert len(naps.taken) == 3
    assert [(line["task"], line["log_level"], str(line["exc_info"])) for line in logs] == [
        ("bad", "error", "engine went away")
    ] * 3


@pytest.mark.parametrize("ending", ["returns", "is cancelled by somebody else", "dies in a group"])
async def test_no_way_of_ending_goes_unnoticed(ending):
    naps, starts = Naps(), 0

    async def loop() -> None:
        nonlocal starts
        starts += 1
        if starts > 2:
            await for_ever()
        if ending == "is cancelled by somebody else":
            raise asyncio.CancelledError
        if ending == "dies in a group":
            raise ExceptionGroup("parts", [OSError("one part")])

    supervisor = Supervisor({"loop": loop}, sleep=naps)
    with structlog.testing.capture_logs():
        async with asyncio.TaskGroup() as group:
            running = group.create_task(supervisor.run())
            await until(lambda: starts == 3)
            assert supervisor.states[0].deaths == 2
            assert supervisor.states[0].error
            running.cancel()


async def test_cancelling_the_supervisor_stops_a_loop_that_waits_for_its_restart():
    async def bad() -> None:
        raise ValueError

    async def long_nap(_: float) -> None:
        await for_ever()

    supervisor = Supervisor({"bad": bad}, sleep=long_nap)
    with structlog.testing.capture_logs():
        async with asyncio.TaskGroup() as group:
            running = group.create_task(supervisor.run())
            await until(lambda: supervisor.states[0].state == "waiting")
            running.cancel()
    assert supervisor.states == (TaskState("bad", "stopped", 1, "ValueError"),)


async def test_the_waits_grow_while_the_deaths_follow_each_other_and_begin_anew_after_a_steady_run(
    monkeypatch,
):
    naps, starts, now = Naps(), 0, 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)

    async def loop() -> None:
        nonlocal starts, now
        starts += 1
        if starts == 4:
            now += STEADY
        if starts < 6:
            raise ValueError
        await for_ever()

    supervisor = Supervisor({"loop": loop}, sleep=naps)
    with structlog.testing.capture_logs():
        async with asyncio.TaskGroup() as group:
            running = group.create_task(supervisor.run())
            while starts < 6:  # the loop's clock stands still here, so no timeout of it can serve
                await asyncio.sleep(0)
            running.cancel()
    expected = [WAITS[0], WAITS[1], WAITS[2], WAITS[0], WAITS[1]]
    assert all(0.75 * full <= nap <= full for nap, full in zip(naps.taken, expected, strict=True))


@pytest.mark.parametrize(
    ("deaths", "jitter", "wait"), [(1, 1.0, 1), (2, 1.0, 2), (3, 0.0, 3.75), (6, 1.0, 60), (99, 1.0, 60)]
)
def test_restart_wait(deaths, jitter, wait):
    assert restart_wait(deaths, lambda: jitter) == wait
