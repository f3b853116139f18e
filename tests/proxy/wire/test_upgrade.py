"""Upgraded connections: WebSocket or anything else, as bytes both ways."""

import asyncio
import contextlib

import pytest

from proxy.exchange import RequestHead, ResponseHead
from proxy.limits import Limits
from proxy.model import RoutingConfig, Service
from tests.proxy.wire.stage import App, Call, eventually, router, says, staged, to

ASK = (
    b"GET /chat HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
AGREED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
HELLO = b"\x81\x85\x00\x00\x00\x00hello"  # a masked text frame
GOING_AWAY = b"\x88\x02\x03\xe9"


async def echo(call: Call) -> None:
    """Agrees, then sends back every byte."""
    await call.send(AGREED)
    while data := await call.reader.read(65536):
        await call.send(data)
    call.writer.close()


async def test_bytes_pass_both_ways_once_the_app_has_agreed():
    async with staged(echo) as stage:
        client = await stage.client()
        await client.send(ASK)
        head = await client.head()
        assert (head.status, head.get("Upgrade"), head.get("Connection")) == (101, "websocket", "upgrade")
        assert head.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        call = stage.app.calls[0]
        assert (call.get("Upgrade"), (call.get("Connection") or "").lower()) == ("websocket", "upgrade")
        for _ in range(3):
            await client.send(HELLO)
            assert await client.reader.readexactly(len(HELLO)) == HELLO
        client.close()
        record = await stage.record()
        assert (record.status, record.bytes_in, record.bytes_out) == (101, 33, 33)


async def test_bytes_that_come_before_the_app_has_agreed_are_not_lost():
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def late(call: Call) -> None:
        asked.set()
        await go_on.wait()
        await echo(call)

    async with staged(late) as stage:
        client = await stage.client()
        await client.send(ASK + HELLO)
        await asked.wait()
        await client.send(HELLO)
        go_on.set()
        assert (await client.head()).status == 101
        assert await client.reader.readexactly(2 * len(HELLO)) == 2 * HELLO


async def test_bytes_that_the_app_sends_with_its_agreement_are_not_lost():
    async def greets(call: Call) -> None:
        await call.send(AGREED + b"\x81\x02hi")
        await call.until_left()

    async with staged(greets) as stage:
        client = await stage.client()
        await client.send(ASK)
        assert (await client.head()).status == 101
        assert await client.reader.readexactly(4) == b"\x81\x02hi"


async def test_an_app_that_does_not_agree_answers_like_any_other():
    async with staged(says("403 Forbidden", b"no", "X-Why: because\r\n")) as stage:
        client = await stage.client()
        reply = await client.ask(ASK)
        assert (reply.status, reply.body, reply.get("X-Why")) == (403, b"no", "because")
        assert (await client.ask(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")).status == 403


class Ticking:
    """A middleware that puts into a response what no head can hold."""

    def on_response(self, response: ResponseHead, request: RequestHead) -> ResponseHead:
        return ResponseHead(response.status, (*response.fields, ("X", "\u2713")))


async def test_an_agreement_that_may_not_leave_is_a_fault_of_ours_and_lets_the_app_go():
    def config(app: App) -> RoutingConfig:
        routers = {"app@test": router("app@test", "Host(`app.test`)", "app@test", middlewares=("tick",))}
        return RoutingConfig(routers, {"app@test": Service("app@test", (to(app),))}, {"tick": Ticking()})

    async with staged(echo, config=config) as stage:
        client = await stage.client()
        assert (await client.ask(ASK)).status == 500
        await eventually(lambda: not stage.app._busy)
        assert (await stage.record()).bug


@pytest.mark.parametrize("who", ["client", "app"])
async def test_the_end_of_one_side_is_the_end_of_the_other(who):
    calls = []

    async def one_word(call: Call) -> None:
        calls.append(call)
        await call.send(AGREED)
        if who == "app":
            await call.reader.read(100)
            call.writer.close()
        else:
            await call.until_left()

    async with staged(one_word) as stage:
        client = await stage.client()
        await client.send(ASK)
        assert (await client.head()).status == 101
        if who == "app":
            await client.send(HELLO)
            assert await client.closed()
        else:
            client.abort()
            async with asyncio.timeout(5):
                await calls[0].left.wait()
        client.close()
        await eventually(lambda: stage.entrypoints.connections == 0)


async def test_a_quiet_connection_stays_open():
    limits = Limits(head=0.5, idle=0.5, content=0.5, write=0.5, linger=0.5, sweep=0.01)
    async with staged(echo, limits=limits) as stage:
        client = await stage.client()
        await client.send(ASK)
        assert (await client.head()).status == 101
        await asyncio.sleep(1.5)
        await client.send(HELLO)
        assert await client.reader.readexactly(len(HELLO)) == HELLO


async def test_a_large_message_goes_through():
    size = 20_000_000
    async with staged(echo) as stage:
        client = await stage.client()
        await client.send(ASK)
        assert (await client.head()).status == 101
        client.writer.write(b"\x82\xff" + size.to_bytes(8) + bytes(4))
        got = 14
        assert len(await client.reader.readexactly(14)) == 14
        client.writer.write(bytes(size))
        async with asyncio.timeout(20):
            while got < size + 14:
                got += len(await client.reader.read(1 << 20))
        assert got == size + 14


async def test_a_side_that_stops_reading_stops_the_other_and_not_the_memory():
    async def floods(call: Call) -> None:
        await call.send(AGREED)
        with contextlib.suppress(ConnectionError):
            while True:
                await call.send(b"\x82\x7e\xff\xff" + bytes(65535))

    async with staged(floods) as stage:
        client = await stage.client()
        await client.send(ASK)
        assert (await client.head()).status == 101
        client.writer.transport.pause_reading()
        connection = await stage.connection()
        await eventually(lambda: connection.wire.unsent > 0)
        await asyncio.sleep(0.3)
        assert connection.wire.unsent < 1_000_000


async def test_both_ends_are_told_when_tidegate_stops():
    seen = bytearray()
    told = asyncio.Event()

    async def listens(call: Call) -> None:
        await call.send(AGREED)
        while data := await call.reader.read(65536):
            seen.extend(data)
        told.set()
        call.writer.close()

    async with staged(listens) as stage:
        client = await stage.client()
        await client.send(ASK)
        assert (await client.head()).status == 101
        await client.send(HELLO)
        await eventually(lambda: bytes(seen) == HELLO)
        async with asyncio.timeout(5):
            await stage.entrypoints.stop(3.0)
            assert (await client.rest()).startswith(GOING_AWAY)
            await told.wait()
        assert seen[len(HELLO) : len(HELLO) + 2] == b"\x88\x82"  # a close frame with two masked bytes


async def test_another_http_is_no_upgrade():
    async with staged() as stage:
        client = await stage.client()
        reply = await client.ask(
            b"GET / HTTP/1.1\r\nHost: app.test\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
        )
        assert reply.status == 200
        call = stage.app.calls[0]
        assert (call.get("Upgrade"), call.get("HTTP2-Settings"), call.get("Connection")) == (None, None, None)
