"""Which of several servers is asked, and what visitors see of the choice."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from proxy.balancing import Balanced, HashKey, PassiveHealthCheck, Sticky, StickyCookie, Strategy
from proxy.model import Failover, Mirrored, Part, RoutingConfig, Server, Service, Weighted
from proxy.status_range import StatusRange
from proxy.values import Duration
from tests.proxy.wire.stage import App, Call, Client, Reply, Stage, eventually, router, says, staged, to

ASKING = "GET {} HTTP/1.1\r\nHost: app.test\r\n{}\r\n"


def asking(cookie: str | None = None, target: str = "/") -> bytes:
    return ASKING.format(target, f"Cookie: {cookie}\r\n" if cookie else "").encode()


async def who(client: Client, cookie: str | None = None) -> str:
    return (await client.ask(asking(cookie))).body.decode()


@contextlib.asynccontextmanager
async def two_apps(
    services: Callable[[Server, Server], list[Service]], **options: Any
) -> AsyncIterator[tuple[Stage, App, App]]:
    """Two apps that say which they are; the router goes to the first service."""
    second = App(says(body=b"two"))
    await second.start()

    def config(first: App) -> RoutingConfig:
        made = services(to(first, "one"), to(second, "two"))
        route = router("app@test", "Host(`app.test`)", made[0].name)
        return RoutingConfig(routers={route.name: route}, services={each.name: each for each in made})

    try:
        async with staged(says(body=b"one"), config=config, **options) as stage:
            yield stage, stage.app, second
    finally:
        second.stop()


def of(how: Balanced | None) -> Callable[[Server, Server], list[Service]]:
    return lambda one, two: [Service("s", (one, two), how=how)]


async def test_servers_take_turns() -> None:
    async with two_apps(of(None)) as (stage, _, _):
        client = await stage.client()
        assert [await who(client) for _ in range(4)] == ["one", "two", "one", "two"]


async def test_a_visitor_with_the_cookie_stays_where_he_was() -> None:
    async with two_apps(of(Balanced(sticky=Sticky(cookie=StickyCookie(name="side"))))) as (stage, _, _):
        client = await stage.client()
        first: Reply = await client.ask(asking())
        cookie = (first.get("Set-Cookie") or "").partition(";")[0]
        assert first.get("Set-Cookie") == f"{cookie}; Path=/"
        for _ in range(4):
            again = await client.ask(asking(cookie))
            assert (again.body, again.get("Set-Cookie")) == (first.body, None)
        others = {await who(await stage.client()) for _ in range(2)}
        assert others == {"one", "two"}


async def test_whoever_comes_without_the_cookie_gets_it_also_after_others_who_had_it() -> None:
    """The head of an answer is remembered, but not what was added to it for one visitor."""
    async with two_apps(of(Balanced(sticky=Sticky()))) as (stage, _, _):
        client = await stage.client()
        cookies = [(await client.ask(asking())).get("Set-Cookie") or "" for _ in range(4)]
        assert len(set(cookies)) == 2
        assert all(cookies)
        for cookie in cookies:
            assert (await client.ask(asking(cookie.partition(";")[0]))).get("Set-Cookie") is None
        assert (await client.ask(asking())).get("Set-Cookie")


async def test_a_visitor_whose_server_is_gone_gets_another_and_a_new_cookie() -> None:
    async with two_apps(of(Balanced(sticky=Sticky()))) as (stage, first, _):
        client = await stage.client()
        reply = await client.ask(asking())
        while reply.body != b"one":
            reply = await client.ask(asking())
        cookie = (reply.get("Set-Cookie") or "").partition(";")[0]
        first.stop()
        after = await client.ask(asking(cookie))
        assert after.body == b"two"
        assert cookie not in (after.get("Set-Cookie") or cookie)


async def test_a_page_of_ours_sets_no_cookie() -> None:
    async with two_apps(of(Balanced(sticky=Sticky()))) as (stage, first, second):
        client = await stage.client()
        first.stop()
        second.stop()
        reply = await client.ask(asking())
        assert (reply.status, reply.get("Set-Cookie")) == (502, None)


async def test_who_is_busy_is_spared() -> None:
    how = Balanced(strategy=Strategy("leastconn"))
    async with two_apps(of(how)) as (stage, first, _):
        held: list[Call] = []

        async def hold(call: Call) -> None:
            held.append(call)
            await call.left.wait()

        first.script = hold
        waiting, client = await stage.client(), await stage.client()
        await waiting.send(asking())
        await eventually(lambda: held)
        assert stage.pool.busy(to(first, "one")) == 1
        assert [await who(client) for _ in range(5)] == ["two"] * 5
        await held[0].answer(b"one")
        assert (await waiting.reply()).body == b"one"
        held[0].left.set()
        await eventually(lambda: stage.pool.busy(to(first, "one")) == 0)
        first.script = says(body=b"one")
        assert {await who(client) for _ in range(4)} == {"one", "two"}


async def test_a_field_of_the_request_can_decide() -> None:
    how = Balanced(strategy=Strategy("hrw"), hash_by=HashKey("cookie:user"))
    async with two_apps(of(how)) as (stage, _, _):
        client = await stage.client()
        first = [await who(client, f"user={n}") for n in range(12)]
        assert first == [await who(client, f"user={n}") for n in range(12)]
        assert set(first) == {"one", "two"}


@pytest.mark.parametrize("failure", ["500", "closes", "refuses"])
async def test_a_server_whose_requests_fail_is_left_out_and_comes_back(failure: str) -> None:
    how = Balanced(passive_health_check=PassiveHealthCheck(failure_window=Duration(0.3)))
    async with two_apps(of(how)) as (stage, first, _):
        client = await stage.client()

        async def close(call: Call) -> None:
            call.writer.close()

        if failure == "refuses":
            first._server.close()
        else:
            first.script = says("500 Oh", b"oh") if failure == "500" else close
        statuses = [(await client.ask(asking())).status for _ in range(2)]
        assert sorted(statuses) == ([200, 500] if failure == "500" else [200, 200])
        asked = len(first.calls)
        assert [await who(client) for _ in range(6)] == ["two"] * 6
        assert len(first.calls) == asked
        first.script = says(body=b"one")
        if failure != "refuses":
            seen = set()
            while "one" not in seen:  # it comes back when its time is over
                seen.add(await who(client))


async def test_parts_of_a_service_have_hosts_of_their_own() -> None:
    def services(one: Server, two: Server) -> list[Service]:
        whole = Service("whole", how=Weighted((Part("blue"), Part("green"))))
        return [whole, Service("blue", (one,)), Service("green", (two,), pass_host_header=False)]

    async with two_apps(services) as (stage, first, second):
        client = await stage.client()
        assert [await who(client) for _ in range(4)] == ["one", "two", "one", "two"]
        assert {call.get("Host") for call in first.calls} == {"app.test"}
        assert {call.get("Host") for call in second.calls} == {f"127.0.0.1:{second.port}"}


async def test_the_fallback_answers_while_the_service_cannot() -> None:
    def services(one: Server, two: Server) -> list[Service]:
        return [
            Service("whole", how=Failover((Part("main"), Part("spare")))),
            Service("main", (one,)),
            Service("spare", (two,)),
        ]

    async with two_apps(services) as (stage, first, _):
        client = await stage.client()
        assert await who(client) == "one"
        first.stop()
        assert await who(client) == "two"


async def test_copies_are_sent_and_their_answers_dropped() -> None:
    def services(one: Server, two: Server) -> list[Service]:
        copied = Service("copied", how=Mirrored((Part("main"), Part("mirror", 50)), most=100))
        return [copied, Service("main", (one,)), Service("mirror", (two,))]

    async with two_apps(services) as (stage, first, second):
        got: list[bytes] = []

        async def keep(call: Call) -> None:
            got.append(await call.body())
            await call.answer(b"dropped")

        second.script = keep
        client = await stage.client()
        for size in (5, 5, 200, 200, 5):
            body = b"x" * size
            head = f"POST /a?b HTTP/1.1\r\nHost: app.test\r\nContent-Length: {size}\r\n\r\n".encode()
            assert (await client.ask(head + body)).body == b"one"
        assert len(first.calls) == 5
        await eventually(lambda: len(got) == 2)
        assert got == [b"xxxxx", b"xxxxx"]  # the first and the last: the third is too large
        assert {(call.line, call.get("Host")) for call in second.calls} == {
            ("POST /a?b HTTP/1.1", "app.test")
        }


async def test_a_mirror_that_does_not_answer_harms_nobody() -> None:
    def services(one: Server, two: Server) -> list[Service]:
        copied = Service("copied", how=Mirrored((Part("main"), Part("mirror", 100))))
        return [copied, Service("main", (one,)), Service("mirror", (two,))]

    async with two_apps(services) as (stage, _, second):
        second.stop()
        client = await stage.client()
        assert [await who(client) for _ in range(3)] == ["one"] * 3


@pytest.mark.parametrize(
    ("starting", "words"),
    [(True, "This site is just starting."), (False, "This site is down at the moment.")],
)
async def test_a_service_without_a_server_says_whether_it_is_starting(starting: bool, words: str) -> None:
    async with two_apps(lambda one, two: [Service("s", starting=starting)]) as (stage, _, _):
        reply = await (await stage.client()).ask(asking())
        assert (reply.status, reply.get("Retry-After")) == (503, "5")
        assert reply.body.decode().startswith(words)


def by_statuses(one: Server, two: Server) -> list[Service]:
    parts = Part("main"), Part("spare")
    return [
        Service("whole", how=Failover(parts, (StatusRange.parse("500-504"),), most=100)),
        Service("main", (one,)),
        Service("spare", (two,), pass_host_header=False),
    ]


async def test_the_fallback_answers_where_the_service_answers_badly() -> None:
    async with two_apps(by_statuses) as (stage, first, second):
        client = await stage.client()
        assert await who(client) == "one"
        first.script = says("503 Oh", b"oh")
        assert await who(client) == "two"
        assert second.calls[0].get("Host") == f"127.0.0.1:{second.port}"
        post = b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1\r\n\r\nx"
        assert (await client.ask(post)).status == 503
        put = b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n"
        assert (await client.ask(put % 5 + b"x" * 5)).body == b"two"
        assert (await client.ask(put % 500 + b"x" * 500)).status == 503
        second.script = says("500 Too", b"too")
        assert (await client.ask(asking())).body == b"too"  # that is all there is


async def test_the_fallback_is_asked_once_while_the_service_is_down() -> None:
    how = Balanced(passive_health_check=PassiveHealthCheck(failure_window=Duration(60)))

    def services(one: Server, two: Server) -> list[Service]:
        whole, main, spare = by_statuses(one, two)
        return [whole, Service("main", main.servers, how=how), spare]

    async with two_apps(services) as (stage, first, second):
        client = await stage.client()
        first.script, second.script = says("500 Oh", b"oh"), says("500 Too", b"too")
        assert (await client.ask(asking())).body == b"too"
        assert (len(first.calls), len(second.calls)) == (1, 1)
        assert (await client.ask(asking())).body == b"too"
        assert (len(first.calls), len(second.calls)) == (1, 2)
