"""Middlewares on the way between real sockets: those that wait, ask others or change the content."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import pytest

from proxy.middlewares import MIDDLEWARES
from proxy.model import RoutingConfig, Service
from proxy.schema import parse_options
from tests.proxy.wire.stage import App, Call, Script, router, says, staged, to

TEST = "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
TOKEN = base64.b64encode(b"test:test")
GET = b"GET /app/x HTTP/1.1\r\nHost: app.test\r\n%b\r\n"


def config(app: App, declared: Mapping[str, Any], pages: App | None = None) -> RoutingConfig:
    """One router with these middlewares, in this order."""
    middlewares = {}
    for name, tree in declared.items():
        value, flaws = parse_options(MIDDLEWARES[name], tree)
        assert value is not None, flaws
        middlewares[name] = value
    services = {"app": Service("app", (to(app),))}
    if pages:
        services["pages"] = Service("pages", (to(pages, "pages"),))
    routers = {"app": router("app", "Host(`app.test`)", "app", middlewares=tuple(declared))}
    return RoutingConfig(routers, services, middlewares)


def with_middlewares(script: Script, **declared: Any) -> Any:
    return staged(script, config=lambda app: config(app, declared))


async def test_a_password_is_asked_for_and_the_prefix_cut_behind_it() -> None:
    async with with_middlewares(says(), basicauth={"users": TEST}, stripprefix={"prefixes": "/app"}) as stage:
        client = await stage.client()
        assert (await client.ask(GET % b"")).status == 401
        assert (await client.ask(GET % (b"Authorization: Basic " + TOKEN + b"\r\n"))).status == 200
        assert stage.app.calls[0].target == "/x"
        assert len(stage.app.calls) == 1


async def test_a_large_answer_is_compressed_on_its_way() -> None:
    body = b"again and again " * 20_000
    async with with_middlewares(says(body=body), compress={}) as stage:
        client = await stage.client()
        reply = await client.ask(GET % b"Accept-Encoding: gzip\r\n")
        assert (reply.get("Content-Encoding"), reply.get("Content-Length")) == ("gzip", None)
        assert zlib.decompress(reply.body, 31) == body
        assert (await client.ask(GET % b"")).body == body


async def test_events_are_not_held_back_by_compression() -> None:
    async def events(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await call.send(b"9\r\ndata: 1\n\n\r\n")
        await call.until_left()

    async with with_middlewares(events, compress={}) as stage:
        client = await stage.client()
        await client.send(GET % b"Accept-Encoding: gzip\r\n")
        await client.head()
        assert zlib.decompressobj(31).decompress(await client.chunk()) == b"data: 1\n\n"


async def test_whoever_leaves_makes_room_for_the_next() -> None:
    async def never(call: Call) -> None:
        if call.get("X-Second"):
            await call.answer(b"ok")
        else:
            await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
            await call.until_left()

    async with with_middlewares(never, inflightreq={"amount": 1}) as stage:
        first, second = await stage.client(), await stage.client()
        await first.send(GET % b"")
        await first.head()
        assert (await second.ask(GET % b"")).status == 429
        first.abort()
        await (await stage.app.call()).left.wait()
        assert (await (await stage.client()).ask(GET % b"X-Second: 1\r\n")).status == 200


async def test_a_failure_is_answered_with_a_page_of_another_service() -> None:
    pages = App(says(body=b"a fine page"))
    await pages.start()
    tree = {"status": "500-599", "service": "pages", "query": "/{status}"}
    try:
        async with staged(
            says("503 Service Unavailable", b"trace"), config=lambda app: config(app, {"errors": tree}, pages)
        ) as stage:
            reply = await (await stage.client()).ask(GET % b"")
            assert (reply.status, reply.body) == (503, b"a fine page")
            assert pages.calls[0].target == "/503"
    finally:
        pages.stop()


@pytest.mark.parametrize(("status", "reached"), [("200 OK", 1), ("401 Unauthorized", 0)])
async def test_another_server_is_asked_whether_a_request_may_pass(status: str, reached: int) -> None:
    auth = App(says(status, b"who are you?", "Remote-User: anna\r\n"))
    await auth.start()
    tree = {"address": f"http://127.0.0.1:{auth.port}/check", "authResponseHeaders": "Remote-User"}
    try:
        async with with_middlewares(says(), forwardauth=tree) as stage:
            client = await stage.client()
            for _ in range(2):
                assert (await client.ask(GET % b"Remote_User: admin\r\n")).status == int(status[:3])
            assert len(stage.app.calls) == 2 * reached
            assert all(call.get("Remote-User") == "anna" for call in stage.app.calls)
            assert auth.calls[0].get("X-Forwarded-Uri") == "/app/x"
            assert auth.connections == 1
    finally:
        auth.stop()


async def test_nobody_passes_while_the_other_server_is_gone() -> None:
    async with with_middlewares(says(), forwardauth={"address": "http://127.0.0.1:1/"}) as stage:
        assert (await (await stage.client()).ask(GET % b"")).status == 500
        assert stage.app.calls == []
        assert (await stage.record()).fault.startswith("forwardAuth: ")


async def test_a_large_upload_is_taken_in_whole_before_the_app_gets_it() -> None:
    got = []

    async def counts(call: Call) -> None:
        got.append((call.get("Content-Length"), len(await call.body())))
        await call.answer(b"ok")

    async with with_middlewares(counts, buffering={"memRequestBodyBytes": 1000}) as stage:
        client = await stage.client()
        head = b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"%x\r\n%b\r\n" % (100_000, b"x" * 100_000)
        assert (await client.ask(head + chunk * 7 + b"0\r\n\r\n")).status == 200
        assert got == [("700000", 700_000)]
