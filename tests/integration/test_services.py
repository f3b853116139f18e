"""Services on a real engine: a redeploy that nobody notices, a canary, and servers that fall ill."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from docker.models.containers import Container

from tests.integration.sites import answers, busy, known_to_all, plain
from tests.integration.visitor import Tally, Visitor
from tests.program import Program, eventually

pytestmark = [pytest.mark.docker, pytest.mark.slow]

Start = Callable[..., Container]
WITH_AND_WITHOUT_WORKERS = pytest.mark.parametrize("tidegate", ["1", "2"], indirect=True)
EVERY_WAY = pytest.mark.parametrize("tidegate", ["1", "2", "aiohttp"], indirect=True)
IN_BOTH_LANES = pytest.mark.parametrize("tidegate", ["1", "aiohttp"], indirect=True)
REDEPLOYS = int(os.environ.get("TIDEGATE_TEST_REDEPLOYS", "5"))


@contextlib.asynccontextmanager
async def visited(tally: Tally, port: int, host: str, ways: dict[str, int]) -> AsyncIterator[None]:
    """So many visitors for each target ask again and again while the block runs."""
    stop = asyncio.Event()

    async def visit(target: str) -> None:
        async with Visitor(port, host) as visitor:
            while not stop.is_set():
                try:
                    answer = await visitor.get(target)
                    tally.answers[answer.status, answer.app] += 1
                except (OSError, asyncio.IncompleteReadError) as failure:
                    tally.broken.append(repr(failure))
                await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as visitors:
        for target, count in ways.items():
            for _ in range(count):
                visitors.create_task(visit(target))
        try:
            yield
        finally:
            stop.set()


@EVERY_WAY
async def test_a_rolling_redeploy_of_two_replicas_loses_no_request(tidegate: Program, start: Start) -> None:
    def replica(name: str) -> Container:
        return start(name, plain("twin", "twin.test"), service="twin", stop_signal="SIGTERM")

    running = [await asyncio.to_thread(replica, f"twin{n}-0") for n in range(2)]
    for n in range(2):
        await answers(tidegate.web, "twin.test", f"twin{n}-0")
    await known_to_all(tidegate.web, "twin.test")
    tally = Tally()
    async with visited(tally, tidegate.web, "twin.test", {"/": 8, "/slow?seconds=0.7": 8}):
        for turn in range(1, REDEPLOYS + 1):
            for n, old in enumerate(running):
                running[n] = await asyncio.to_thread(replica, f"twin{n}-{turn}")
                await answers(tidegate.web, "twin.test", f"twin{n}-{turn}")
                await asyncio.to_thread(old.stop, timeout=10)
                await asyncio.to_thread(old.remove)
    lost = {each: count for each, count in tally.answers.items() if each[0] != 200}
    print(f"{REDEPLOYS} redeploys, {tally.total} requests, lost: {lost} {tally.broken}")
    assert not lost
    assert not tally.broken
    assert len(tally.answers) == 2 * (REDEPLOYS + 1)  # each container has answered


@IN_BOTH_LANES
async def test_a_container_that_is_asked_to_stop_finishes_what_it_has(
    tidegate: Program, start: Start
) -> None:
    old = await asyncio.to_thread(start, "old", plain("last", "last.test"), stop_signal="SIGTERM")
    await answers(tidegate.web, "last.test", "old")
    async with Visitor(tidegate.web, "last.test") as waiter, asyncio.TaskGroup() as group:
        slow = group.create_task(waiter.get("/slow?seconds=8"))
        await busy(old, 1)
        group.create_task(asyncio.to_thread(old.stop, timeout=20))
        await answers(tidegate.web, "last.test", "", within=7)
        assert not slow.done()
    assert (slow.result().status, slow.result().app) == (200, "old")


async def meets(visitor: Visitor, apps: set[str]) -> None:
    """Wait until all of them have answered: with workers, one of them may know an app before the other."""
    async with asyncio.timeout(30):
        while apps:
            apps = apps - {(await visitor.get()).app}


@WITH_AND_WITHOUT_WORKERS
async def test_a_canary_gets_its_share_and_its_visitors_stay(tidegate: Program, start: Start) -> None:
    def version(name: str, weight: str) -> Container:
        short = {"tidegate.name": "shop", "tidegate.weight": weight, "tidegate.sticky": "true"}
        return start(name, short | plain("shop", "shop.test"), service=name)

    for name, weight in (("stable", "3"), ("canary", "1")):
        await asyncio.to_thread(version, name, weight)
    for name in ("stable", "canary"):
        await answers(tidegate.web, "shop.test", name)
    async with Visitor(tidegate.web, "shop.test") as visitor:
        await meets(visitor, {"stable", "canary"})
        counts = Counter([(await visitor.get()).app for _ in range(80)])
        assert counts["canary"] == pytest.approx(20, abs=4)
        for _ in range(6):
            first = await visitor.get()
            cookie = first.fields["set-cookie"].partition(";")[0]
            again = [await visitor.get(fields=f"Cookie: {cookie}\r\n") for _ in range(5)]
            assert {each.app for each in again} == {first.app}
            assert not any("set-cookie" in each.fields for each in again)


@WITH_AND_WITHOUT_WORKERS
async def test_a_server_that_falls_ill_is_left_out_and_told_of(tidegate: Program, start: Start) -> None:
    service = "tidegate.http.services.well.loadbalancer"
    labels = plain("well", "well.test") | {
        f"{service}.healthcheck.path": "/health",
        f"{service}.healthcheck.interval": "200ms",
    }
    for name in ("well1", "well2"):
        await asyncio.to_thread(start, name, labels, service="well")
    for name in ("well1", "well2"):
        await answers(tidegate.web, "well.test", name)
    async with Visitor(tidegate.web, "well.test") as visitor:
        await meets(visitor, {"well1", "well2"})
        ill = (await visitor.get("/ill")).app
        other = {"well1": "well2", "well2": "well1"}[ill]

        def said() -> list[str]:
            return [each["what"] for each in tidegate.api("problems") if "left out" in each["what"]]

        await asyncio.to_thread(eventually, said)
        in_a_row = 0
        async with asyncio.timeout(30):  # with workers, who told of it need not be who is asked here
            while in_a_row < 20:
                in_a_row = in_a_row + 1 if (await visitor.get()).app == other else 0
        await visitor.get("/ill")
        while (last := await visitor.get()).status != 503:
            await asyncio.sleep(0.05)
        assert last.fields["retry-after"] == "5"
        assert last.body == b"This site is down at the moment. Please try again soon.\n"


async def test_a_container_that_is_starting_keeps_its_site(tidegate: Program, start: Start) -> None:
    never = {"test": ["CMD", "/no/such"], "interval": 10**9, "retries": 1, "start_period": 60 * 10**9}
    await asyncio.to_thread(start, "slow", plain("slow", "slow.test"), healthcheck=never)
    async with Visitor(tidegate.web, "slow.test") as visitor:
        while (seen := await visitor.get()).status != 503:
            assert seen.status == 404  # not known yet
            await asyncio.sleep(0.02)
    assert seen.body == b"This site is just starting. Please try again in a moment.\n"


@IN_BOTH_LANES
async def test_an_app_gets_no_more_at_a_time_than_it_may_and_the_others_wait(
    tidegate: Program, start: Start
) -> None:
    service = "tidegate.http.services.few.loadbalancer"
    limits = {f"{service}.maxConnections": "2", f"{service}.queue.size": "4"}
    await asyncio.to_thread(start, "few", plain("few", "few.test") | limits)
    await answers(tidegate.web, "few.test", "few")

    async def visit() -> tuple[int, float]:
        began = time.monotonic()
        async with Visitor(tidegate.web, "few.test") as visitor:
            return (await visitor.get("/slow?seconds=2")).status, time.monotonic() - began

    async with asyncio.TaskGroup() as group:
        visits = [group.create_task(visit()) for _ in range(9)]
    seen = sorted(visit.result() for visit in visits)
    assert [status for status, _ in seen] == [200] * 6 + [503] * 3
    times = [seconds for _, seconds in seen]
    assert all(2 * (at // 2 + 1) <= seconds for at, seconds in enumerate(times[:6]))
    assert max(times[6:]) < 2  # who cannot wait hears so at once


@IN_BOTH_LANES
async def test_who_waits_for_a_container_that_dies_is_told(tidegate: Program, start: Start) -> None:
    limit = {"tidegate.http.services.one.loadbalancer.maxConnections": "1"}
    only = await asyncio.to_thread(start, "one", plain("one", "one.test") | limit)
    await answers(tidegate.web, "one.test", "one")

    async def visit() -> int:
        async with Visitor(tidegate.web, "one.test") as visitor:
            return (await visitor.get("/slow?seconds=60")).status

    async with asyncio.timeout(40), asyncio.TaskGroup() as group:
        visits = [group.create_task(visit()) for _ in range(3)]
        await busy(only, 1)
        await asyncio.sleep(1)  # the others have come by now, in all likelihood
        await asyncio.to_thread(only.kill)
    assert all(visit.result() in (502, 503) for visit in visits)
