from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from proxy.balancer import Balancer
from proxy.balancing import Balanced, CheckMode, HealthCheck, HealthPath
from proxy.checking import Checker, is_well
from proxy.model import Server, Service
from proxy.upstream import Pool
from proxy.values import Duration
from tests.proxy.wire.stage import App, Call, Script, eventually, says, to

SOON = Duration(0.1)


def check(**options: Any) -> HealthCheck:
    return HealthCheck(interval=SOON, **{"timeout": Duration(2), **options})


def service(server: Server, how: HealthCheck | None) -> Service:
    return Service("s", (server,), how=Balanced(health_check=how))


@contextlib.asynccontextmanager
async def app_and_pool(script: Script) -> AsyncIterator[tuple[App, Pool]]:
    app, pool = App(script), Pool()
    await app.start()
    try:
        yield app, pool
    finally:
        await pool.close()
        app.stop()
        await eventually(lambda: not app._busy)


@pytest.mark.parametrize(
    ("answer", "options", "well"),
    [
        (says(), {}, True),
        (says("204 No Content"), {}, True),
        (says("404 Not Found"), {}, False),
        (says("404 Not Found"), {"status": 404}, True),
        (says("200 OK"), {"status": 204}, False),
        (says("503 Busy"), {}, False),
        (says("302 Found", fields="Location: https://login.test/\r\n"), {}, True),
        (says("302 Found", fields="Location: https://login.test/\r\n"), {"status": 200}, False),
    ],
)
async def test_the_status_tells(answer: Script, options: dict[str, Any], well: bool) -> None:
    async with app_and_pool(answer) as (app, pool):
        assert await is_well(pool, to(app), check(**options)) is well


async def test_what_is_asked_is_what_is_declared() -> None:
    async with app_and_pool(says()) as (app, pool):
        asked = check(path=HealthPath("/up?all"), method="HEAD", hostname="app.test", headers={"X-A": "b"})
        assert await is_well(pool, to(app), asked)
        [call] = app.calls
        assert call.line == "HEAD /up?all HTTP/1.1"
        assert (call.get("Host"), call.get("X-A"), call.get("User-Agent")) == ("app.test", "b", "Tidegate")


@pytest.mark.parametrize(("follow", "status"), [(True, 200), (False, 301)])
async def test_redirects_to_the_server_itself_are_followed(follow: bool, status: int) -> None:
    async def script(call: Call) -> None:
        if call.target == "/":
            await says("301 Moved", fields=f"Location: http://127.0.0.1:{app.port}/up?x\r\n")(call)
        else:
            await says()(call)

    async with app_and_pool(script) as (app, pool):
        assert await is_well(pool, to(app), check(follow_redirects=follow, status=status))
        assert [call.target for call in app.calls] == (["/", "/up?x"] if follow else ["/"])


async def test_redirects_end_somewhere() -> None:
    async with app_and_pool(says("302 Found", fields="Location: /\r\n")) as (app, pool):
        assert await is_well(pool, to(app), check())
        assert len(app.calls) == 10


async def test_a_port_of_its_own_can_be_asked() -> None:
    async with app_and_pool(says()) as (app, pool):
        elsewhere = replace(to(app), port=1)
        assert not await is_well(pool, elsewhere, check())
        assert await is_well(pool, elsewhere, check(port=app.port))


async def test_who_does_not_answer_in_time_is_not_well() -> None:
    async def never(call: Call) -> None:
        await call.until_left()

    async with app_and_pool(never) as (app, pool):
        assert not await is_well(pool, to(app), check(timeout=SOON))
        await eventually(lambda: app.calls[0].left.is_set())


async def test_an_accepted_connection_can_be_enough() -> None:
    async with app_and_pool(says("503 Busy")) as (app, pool):
        assert await is_well(pool, to(app), check(mode=CheckMode("tcp")))
        app.stop()
        assert not await is_well(pool, to(app), check(mode=CheckMode("tcp")))


@contextlib.asynccontextmanager
async def checking(pool: Pool) -> AsyncIterator[tuple[Checker, Balancer, list[bool]]]:
    balancer, found = Balancer(pool.busy, time.monotonic), list[bool]()
    balancer.on_judged = lambda of, server, well: found.append(well)
    checker = Checker(pool, balancer.judge)
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(checker.run())
        try:
            yield checker, balancer, found
        finally:
            loop.cancel()


async def test_a_server_falls_ill_and_recovers() -> None:
    async with app_and_pool(says()) as (app, pool), checking(pool) as (checker, balancer, found):
        asked = service(to(app), check())
        checker.watch([asked])
        await eventually(lambda: found == [True])
        app.script = says("500 Oh")
        await eventually(lambda: found[-1] is False)
        assert not balancer.has_server(asked, ())
        app.script = says()
        await eventually(lambda: found[-1] is True)
        assert balancer.has_server(asked, ())


async def test_another_table_does_not_start_anew_and_ends_what_is_not_in_it() -> None:
    async with app_and_pool(says()) as (app, pool), checking(pool) as (checker, _, found):
        slow = replace(check(), interval=Duration(1000))
        checker.watch([service(to(app), slow)])
        await eventually(lambda: found == [True])
        checker.watch([service(to(app), slow)])
        await asyncio.sleep(0.05)
        assert len(app.calls) == 1
        checker.watch([service(to(app), replace(slow, path=HealthPath("/up")))])
        await eventually(lambda: len(app.calls) == 2)
        checker.watch([service(to(app), None), service(to(app), check())])
        await eventually(lambda: len(app.calls) > 4)
        checker.watch([])
        await asyncio.sleep(0.05)
        count = len(app.calls)
        await asyncio.sleep(0.25)
        assert len(app.calls) == count


async def test_a_verdict_ends_with_the_check() -> None:
    async with app_and_pool(says("500 Oh")) as (app, pool), checking(pool) as (checker, balancer, found):
        checker.watch([service(to(app), check())])
        await eventually(lambda: found)
        assert balancer.has_server(service(to(app), None), ())
