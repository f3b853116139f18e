"""The main job on a real engine: labels in, sites out, while containers come and go."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable

import pytest
from docker.models.containers import Container

from tests.integration.sites import address_of, answers, busy, known_to_all, plain
from tests.integration.visitor import Tally, Visitor, keep_asking
from tests.program import Program, eventually

pytestmark = [pytest.mark.docker, pytest.mark.slow]

Start = Callable[..., Container]
WITH_AND_WITHOUT_WORKERS = pytest.mark.parametrize("tidegate", ["1", "2"], indirect=True)
EVERY_WAY = pytest.mark.parametrize("tidegate", ["1", "2", "aiohttp"], indirect=True)


@contextlib.asynccontextmanager
async def load(
    tally: Tally, port: int, host: str, connections: int, target: str = "/", every: float = 0.0
) -> AsyncIterator[None]:
    """Keep asking `host` over some connections for as long as the block runs."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as visitors:
        for _ in range(connections):
            visitors.create_task(keep_asking(tally, port, host, target, stop, every))
        try:
            yield
        finally:
            stop.set()


@WITH_AND_WITHOUT_WORKERS
async def test_a_site_follows_its_container(tidegate: Program, start: Start) -> None:
    blog = start("blog", plain("blog", "blog.test"))
    await answers(tidegate.web, "blog.test", "blog")
    await asyncio.to_thread(blog.stop, timeout=0)
    await answers(tidegate.web, "blog.test", "")
    await asyncio.to_thread(blog.start)
    await answers(tidegate.web, "blog.test", "blog")


async def test_a_hundred_containers_started_at_once_are_all_routed(tidegate: Program, start: Start) -> None:
    names = [f"crowd{number}" for number in range(100)]
    async with asyncio.TaskGroup() as starting:
        for name in names:
            starting.create_task(asyncio.to_thread(start, name, plain(name, f"{name}.test")))
    for name in names:
        await answers(tidegate.web, f"{name}.test", name, within=30)


async def test_other_routes_do_not_feel_containers_come_and_go(tidegate: Program, start: Start) -> None:
    start("calm", plain("calm", "calm.test"))
    await answers(tidegate.web, "calm.test", "calm")
    tally = Tally()
    async with Visitor(tidegate.web, "calm.test") as talker:
        await talker.upgrade()
        async with load(tally, tidegate.web, "calm.test", connections=1000, target="/slow?seconds=1"):
            for turn in range(10):
                restless = await asyncio.to_thread(
                    start, f"restless{turn}", plain("restless", "restless.test")
                )
                await answers(tidegate.web, "restless.test", f"restless{turn}", within=30)
                await asyncio.to_thread(restless.remove, force=True)
                assert await talker.message(b"still there") == b"still there"
    assert tally.broken == []
    assert set(tally.answers) == {(200, "calm")}
    assert tally.total >= 1000


@EVERY_WAY
@pytest.mark.timeout(900)
async def test_no_request_reaches_the_wrong_container_when_an_address_is_reused(
    tidegate: Program, start: Start, cycles: int
) -> None:
    """Kill one app and start another that gets its address, again and again, under load on both hosts."""
    tallies = {app: Tally() for app in ("ebb", "flow")}
    addresses: list[str] = []
    async with contextlib.AsyncExitStack() as loads:
        for app, tally in tallies.items():
            await loads.enter_async_context(
                load(tally, tidegate.web, f"{app}.test", connections=4, every=0.005)
            )
        for turn in range(cycles):
            app = ("ebb", "flow")[turn % 2]
            container = await asyncio.to_thread(start, app, plain(app, f"{app}.test"))
            addresses.append(address_of(container))
            if turn % 25 == 0:  # long enough to be met; mostly the app does not even listen yet
                async with asyncio.timeout(20):
                    before = tallies[app].answers[200, app]
                    while tallies[app].answers[200, app] == before:
                        await asyncio.sleep(0.005)
            await asyncio.to_thread(container.kill)
            await asyncio.to_thread(container.remove, force=True)
    assert len(set(addresses)) < len(addresses) / 4, (
        "the engine did not reuse addresses, so nothing was tested"
    )
    for app, tally in tallies.items():
        assert {seen for _, seen in tally.answers if seen} <= {app}, tally.answers
        assert tally.answers[200, app] > 0


@EVERY_WAY
async def test_killing_one_of_two_replicas_fails_only_what_was_already_sent_to_it(
    tidegate: Program, start: Start
) -> None:
    replicas = [
        start(f"twin{number}", {"tidegate.host": "twin.test"} | plain("twin", "twin.test"), service="twin")
        for number in (1, 2)
    ]
    for number in (1, 2):
        await answers(tidegate.web, "twin.test", f"twin{number}")
    await known_to_all(tidegate.web, "twin.test")
    tally = Tally()
    connections = 16
    async with load(tally, tidegate.web, "twin.test", connections):
        await asyncio.sleep(0.5)
        await asyncio.to_thread(replicas[0].kill)
        at_the_kill = tally.answers[200, "twin2"]
        while tally.answers[200, "twin2"] < at_the_kill + 500:
            await asyncio.sleep(0.05)
    failed = tally.total - tally.answers[200, "twin1"] - tally.answers[200, "twin2"]
    assert failed <= connections, f"{failed} failed of {tally.total}: {tally.answers} {tally.broken[:5]}"


async def test_a_wrong_label_is_reported_and_harms_nothing_else(tidegate: Program, start: Start) -> None:
    start("good", plain("good", "good.test"))
    start("bad", {"tidegate.http.routers.bad.rul": "Host(`bad.test`)"})
    await answers(tidegate.web, "good.test", "good")
    problems = await asyncio.to_thread(
        eventually, lambda: [p for p in tidegate.api("problems") if "rul" in p["where"]]
    )
    assert 'Did you mean "rule"' in problems[0]["what"]


@pytest.mark.parametrize("tidegate", ["1", "aiohttp"], indirect=True)
async def test_a_stop_lets_requests_finish_closes_websockets_politely_and_ends_endless_streams(
    tidegate: Program, start: Start
) -> None:
    container = start("last", plain("last", "last.test"))
    await answers(tidegate.web, "last.test", "last")
    async with (
        Visitor(tidegate.web, "last.test") as talker,
        Visitor(tidegate.web, "last.test") as waiter,
        Visitor(tidegate.web, "last.test") as listener,
    ):
        await talker.upgrade()
        assert await talker.message(b"before") == b"before"
        assert listener.writer is not None
        listener.writer.write(b"GET /endless HTTP/1.1\r\nHost: last.test\r\n\r\n")
        await listener.head()
        async with asyncio.TaskGroup() as group:
            finishing = group.create_task(waiter.get("/slow?seconds=2"))
            await busy(container, 3)
            stopping = group.create_task(asyncio.to_thread(tidegate.end, signal.SIGTERM, 30))
            opcode, payload = await talker.frame()
        assert (opcode, payload[:2]) == (8, (1001).to_bytes(2))
        assert finishing.result().app == "last"
        assert stopping.result() == 0
        assert tidegate.took_to_stop() < 9  # Docker would kill after ten
