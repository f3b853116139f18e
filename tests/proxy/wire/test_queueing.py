"""A service whose servers have only so many requests at a time, and who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from proxy.balancing import Balanced, PassiveHealthCheck, Queue, Sticky, StickyCookie
from proxy.model import Failover, Part, Server, Service, Weighted
from proxy.values import Duration
from tests.proxy.wire.stage import Call, Client, Stage, eventually, says
from tests.proxy.wire.test_balancing import asking, of, two_apps, who

UPLOAD = b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 300000\r\n\r\n"


def one_at_a_time(size: int = 10, timeout: float = 30.0, **changes: object) -> Balanced:
    queue = Queue(size=size, timeout=Duration(timeout))
    return Balanced(max_connections=1, queue=queue, **changes)  # type: ignore[arg-type]


def only(how: Balanced) -> Callable[[Server, Server], list[Service]]:
    return lambda one, two: [Service("s", (one,), how=how)]


class Held:
    """A script that keeps requests until it is told to answer them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.most = 0
        self._busy = 0
        self._go = asyncio.Semaphore(0)

    async def __call__(self, call: Call) -> None:
        await call.body()
        self.calls.append(call)
        self._busy += 1
        self.most = max(self.most, self._busy)
        try:
            await self._go.acquire()
        finally:
            self._busy -= 1
        await call.answer(call.target.encode())

    def answer(self, count: int = 1) -> None:
        for _ in range(count):
            self._go.release()


async def asks(stage: Stage, target: str) -> Client:
    client = await stage.client()
    await client.send(asking(target=target))
    return client


def waiting(stage: Stage) -> int:
    """How many requests are in queues."""
    standings = stage.balancer._standings.values()
    return sum(len(each.waiting) for each in standings)


def busy(stage: Stage) -> int:
    standings = stage.balancer._standings.values()
    return sum(record.busy for each in standings for record in each.records)


async def test_requests_wait_for_their_turn_and_come_in_their_order() -> None:
    async with two_apps(only(one_at_a_time())) as (stage, app, _):
        app.script = held = Held()
        clients = []
        for n in range(4):
            clients.append(await asks(stage, f"/{n}"))
            await eventually(lambda: len(held.calls) == 1 and waiting(stage) == len(clients) - 1)
        for n, client in enumerate(clients):
            held.answer()
            assert (await client.reply()).body == f"/{n}".encode()
        assert [call.target for call in held.calls] == ["/0", "/1", "/2", "/3"]
        assert held.most == 1
        assert app.connections == 1
        await eventually(lambda: not busy(stage))


async def test_each_server_has_its_number_and_the_free_one_is_asked() -> None:
    async with two_apps(of(one_at_a_time())) as (stage, first, _):
        first.script = held = Held()
        slow = await asks(stage, "/slow")
        await eventually(lambda: held.calls)
        assert [await who(await stage.client()) for _ in range(4)] == ["two"] * 4
        held.answer()
        await slow.reply()


async def test_more_than_may_wait_are_told_to_come_back() -> None:
    async with two_apps(only(one_at_a_time(size=1))) as (stage, app, _):
        app.script = held = Held()
        first, second = await asks(stage, "/1"), await asks(stage, "/2")
        await eventually(lambda: waiting(stage) == 1)
        third = await asks(stage, "/3")
        reply = await third.reply()
        assert (reply.status, reply.get("Retry-After")) == (503, "5")
        assert b"very many visitors" in reply.body
        held.answer(2)
        assert [(await each.reply()).status for each in (first, second)] == [200, 200]
        held.answer()
        assert await who(third) == "/"
        assert [each.status for each in stage.records].count(503) == 1


async def test_nobody_waits_longer_than_was_said() -> None:
    async with two_apps(only(one_at_a_time(timeout=0.1))) as (stage, app, _):
        app.script = held = Held()
        first, second = await asks(stage, "/1"), await asks(stage, "/2")
        reply = await second.reply()
        assert (reply.status, reply.get("Retry-After")) == (503, "5")
        assert waiting(stage) == 0
        held.answer()
        assert (await first.reply()).status == 200
        held.answer()
        assert await who(second) == "/"


async def test_an_upload_that_waited_in_vain_does_not_hang() -> None:
    async with two_apps(only(one_at_a_time(timeout=0.1))) as (stage, app, _):
        app.script = held = Held()
        await asks(stage, "/1")
        await eventually(lambda: held.calls)
        client = await stage.client()
        client.writer.write(UPLOAD + b"x" * 300_000)
        assert (await client.reply()).status == 503


async def test_an_upload_waits_and_arrives_whole() -> None:
    async with two_apps(only(one_at_a_time())) as (stage, app, _):
        app.script = held = Held()
        first = await asks(stage, "/1")
        await eventually(lambda: held.calls)
        sizes: list[int] = []

        async def count(call: Call) -> None:
            sizes.append(len(await call.body()))
            await call.answer(b"counted")

        app.script = count
        client = await stage.client()
        client.writer.write(UPLOAD + b"x" * 300_000)
        await eventually(lambda: waiting(stage) == 1)
        held.answer()
        assert (await first.reply()).status == 200
        assert (await client.reply()).body == b"counted"
        assert sizes == [300_000]


async def test_who_leaves_the_queue_holds_up_nobody() -> None:
    async with two_apps(only(one_at_a_time())) as (stage, app, _):
        app.script = held = Held()
        first, second = await asks(stage, "/1"), await asks(stage, "/2")
        await eventually(lambda: waiting(stage) == 1)
        third = await asks(stage, "/3")
        await eventually(lambda: waiting(stage) == 2)
        second.abort()
        await eventually(lambda: waiting(stage) == 1)
        held.answer(2)
        assert [(await each.reply()).body for each in (first, third)] == [b"/1", b"/3"]
        assert [call.target for call in held.calls] == ["/1", "/3"]


async def test_who_leaves_a_server_makes_room_there() -> None:
    async with two_apps(only(one_at_a_time())) as (stage, app, _):
        app.script = held = Held()
        first, second = await asks(stage, "/1"), await asks(stage, "/2")
        await eventually(lambda: waiting(stage) == 1)
        first.abort()
        await eventually(lambda: len(held.calls) == 2)
        held.answer(2)
        assert (await second.reply()).body == b"/2"


@pytest.mark.parametrize("failure", ["closes", "refuses", "half"])
async def test_a_server_that_fails_gives_its_places_back(failure: str) -> None:
    async with two_apps(only(one_at_a_time())) as (stage, app, _):

        async def fail(call: Call) -> None:
            if failure == "half":
                await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            call.writer.close()

        app.script = fail
        if failure == "refuses":
            app._server.close()
        for _ in range(3):
            client = await stage.client()
            await client.send(asking())
            reply = await client.head()
            assert reply.status == (200 if failure == "half" else 502)
        await eventually(lambda: not busy(stage))


def alarms(stage: Stage) -> int:
    return sum(each.alarm is not None for each in stage.balancer._standings.values())


async def test_who_waits_is_served_by_a_server_that_is_back_after_its_failures() -> None:
    how = one_at_a_time(passive_health_check=PassiveHealthCheck(failure_window=Duration(0.3)))
    async with two_apps(of(how)) as (stage, first, second):
        first.script, second.script = says("500 Oh", b"oh"), says(body=b"two")
        client = await stage.client()
        while (await client.ask(asking())).status != 500:
            pass
        second.script = held = Held()
        first.script = says(body=b"back")
        await client.send(asking())
        await eventually(lambda: held.calls)
        assert alarms(stage) == 0
        waits, leaves = await asks(stage, "/1"), await asks(stage, "/2")
        await eventually(lambda: waiting(stage) == 2)
        assert alarms(stage) == 1
        leaves.abort()
        assert (await waits.reply()).body == b"back"  # while the other server keeps its only place
        await eventually(lambda: waiting(stage) == 0)
        assert alarms(stage) == 0
        held.answer(2)
        assert (await client.reply()).status == 200


async def test_who_waits_for_a_server_that_is_left_out_and_leaves_stops_the_timer() -> None:
    how = one_at_a_time(passive_health_check=PassiveHealthCheck(failure_window=Duration(60)))
    async with two_apps(of(how)) as (stage, first, second):
        first.script, second.script = says("500 Oh", b"oh"), says(body=b"two")
        client = await stage.client()
        while (await client.ask(asking())).status != 500:
            pass
        second.script = held = Held()
        await client.send(asking())
        await eventually(lambda: held.calls)
        waits = await asks(stage, "/1")
        await eventually(lambda: alarms(stage) == 1)
        waits.abort()
        await eventually(lambda: waiting(stage) == 0)
        assert alarms(stage) == 0
        held.answer()
        assert (await client.reply()).status == 200


async def test_when_the_only_server_goes_nobody_waits_for_it() -> None:
    async with two_apps(only(one_at_a_time())) as (stage, app, _):
        app.script = held = Held()
        first, second = await asks(stage, "/1"), await asks(stage, "/2")
        await eventually(lambda: waiting(stage) == 1 and held.calls)
        stage.pool.drop_owner("one")
        assert [(await each.reply()).status for each in (first, second)] == [502, 502]
        assert (waiting(stage), busy(stage)) == (0, 0)


async def test_a_new_table_serves_those_who_wait_with_its_servers() -> None:
    async with two_apps(only(one_at_a_time())) as (stage, first, second):
        first.script = held = Held()
        one, two = await asks(stage, "/1"), await asks(stage, "/2")
        await eventually(lambda: waiting(stage) == 1)
        [service] = stage.entrypoints.table.services.values()
        newer = Server("two", "127.0.0.1", second.port)
        stage.balancer.retain({"s": Service("s", (*service.servers, newer), how=service.how)})
        assert (await two.reply()).body == b"two"
        held.answer()
        assert (await one.reply()).status == 200


async def test_a_new_table_without_servers_sends_those_who_wait_away() -> None:
    async with two_apps(only(one_at_a_time())) as (stage, app, _):
        app.script = held = Held()
        first, second = await asks(stage, "/1"), await asks(stage, "/2")
        await eventually(lambda: waiting(stage) == 1)
        stage.balancer.retain({})
        reply = await second.reply()
        assert (reply.status, reply.get("Retry-After")) == (503, "5")
        held.answer()
        assert (await first.reply()).status == 200


async def test_a_visitor_with_the_cookie_waits_for_his_own_server_and_others_pass_him() -> None:
    how = one_at_a_time(sticky=Sticky(cookie=StickyCookie(name="side")))
    async with two_apps(of(how)) as (stage, first, _):
        client = await stage.client()
        reply = await client.ask(asking())
        while reply.body != b"one":
            reply = await client.ask(asking())
        cookie = (reply.get("Set-Cookie") or "").partition(";")[0]
        first.script = held = Held()
        await client.send(asking(cookie))
        await eventually(lambda: held.calls)
        own = await stage.client()
        await own.send(asking(cookie))
        await eventually(lambda: waiting(stage) == 1)
        assert [await who(await stage.client()) for _ in range(3)] == ["two"] * 3
        held.answer(2)
        assert (await client.reply()).body == b"/"
        own_reply = await own.reply()
        assert (own_reply.body, own_reply.get("Set-Cookie")) == (b"/", None)


@pytest.mark.parametrize("how", [Weighted((Part("a"),)), Failover((Part("a"), Part("b")))])
async def test_a_part_of_a_service_has_its_limit_too(how: Weighted | Failover) -> None:
    def services(one: Server, two: Server) -> list[Service]:
        return [Service("s", how=how), Service("a", (one,), how=one_at_a_time()), Service("b", (two,))]

    async with two_apps(services) as (stage, app, _):
        app.script = held = Held()
        first, second = await asks(stage, "/1"), await asks(stage, "/2")
        await eventually(lambda: waiting(stage) == 1)
        held.answer(2)
        assert [(await each.reply()).body for each in (first, second)] == [b"/1", b"/2"]
        assert held.most == 1


async def test_a_tunnel_counts_while_it_is_open() -> None:
    async with two_apps(only(one_at_a_time())) as (stage, app, _):

        async def switch(call: Call) -> None:
            await call.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            await call.until_left()

        app.script = switch
        tunnel = await stage.client()
        await tunnel.send(asking().replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
        assert (await tunnel.head()).status == 101
        second = await asks(stage, "/2")
        await eventually(lambda: waiting(stage) == 1)
        app.script = says(body=b"free")
        tunnel.abort()
        assert (await second.reply()).body == b"free"


async def test_in_a_crowd_no_place_is_lost_and_none_is_given_twice() -> None:
    how = Balanced(max_connections=3, queue=Queue(size=200, timeout=Duration(30)))
    async with two_apps(of(how)) as (stage, first, second):
        counts = {"now": 0, "most": 0}

        def counted(body: bytes) -> Callable[[Call], object]:
            async def script(call: Call) -> None:
                counts["now"] += 1
                counts["most"] = max(counts["most"], counts["now"])
                await asyncio.sleep(0)
                counts["now"] -= 1
                await call.answer(body)

            return script

        first.script, second.script = counted(b"one"), counted(b"two")  # type: ignore[assignment]

        async def visit(n: int) -> None:
            for _ in range(5):
                client = await stage.client()
                await client.send(asking())
                if n % 4 == 0:
                    client.abort()
                else:
                    assert (await client.reply()).status == 200

        async with asyncio.TaskGroup() as group:
            for n in range(30):
                group.create_task(visit(n))
        assert 1 < counts["most"] <= 6
        await eventually(lambda: not busy(stage) and not waiting(stage))
