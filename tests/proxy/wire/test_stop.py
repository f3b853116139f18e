"""A graceful stop: nobody new, nobody idle, everybody else to the end or to the end of the grace."""

import asyncio
import time

import pytest

from tests.proxy.wire.stage import Call, eventually, says, staged

GET = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
GRACE = 12.0
"""Seconds: so many that whatever ends much sooner has not ended by them."""


async def stopping(stage) -> asyncio.Task[None]:
    """The stop, begun."""
    task = asyncio.get_running_loop().create_task(stage.entrypoints.stop(GRACE))
    await eventually(stage.entrypoints._gate.stopping.is_set)
    return task


async def test_a_request_in_flight_is_finished_and_its_connection_then_closed():
    go_on = asyncio.Event()

    async def slow(call: Call) -> None:
        await go_on.wait()
        await says()(call)

    async with staged(slow) as stage:
        client = await stage.client()
        await client.send(GET)
        await stage.app.call()
        stop = await stopping(stage)
        go_on.set()
        reply = await client.reply()
        assert (reply.status, reply.body, reply.get("Connection")) == (200, b"ok", "close")
        assert await client.closed()
        client.close()
        async with asyncio.timeout(GRACE - 2):
            await stop
        assert stage.entrypoints.connections == 0


async def test_an_answer_whose_head_is_already_out_is_finished():
    go_on = asyncio.Event()

    async def slow(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha")
        await go_on.wait()
        await call.send(b"lf")

    async with staged(slow) as stage:
        client = await stage.client()
        await client.send(GET)
        head = await client.head()
        stop = await stopping(stage)
        go_on.set()
        assert (head.get("Connection"), await client.rest()) == (None, b"half")
        client.close()
        async with asyncio.timeout(GRACE - 2):
            await stop


async def test_a_request_that_is_half_here_is_still_served():
    async with staged() as stage:
        client = await stage.client()
        await client.send(GET[:20])
        await eventually(lambda: [1 for each in stage.entrypoints._gate.connections() if each.dialogue.begun])
        stop = await stopping(stage)
        reply = await client.ask(GET[20:])
        assert (reply.status, reply.get("Connection")) == (200, "close")
        client.close()
        async with asyncio.timeout(GRACE - 2):
            await stop


async def test_idle_connections_are_closed_at_once():
    async with staged() as stage:
        idle, fresh = await stage.client(), await stage.client()
        await idle.ask(GET)
        await eventually(lambda: stage.entrypoints.connections == 2)
        began = time.monotonic()
        await stage.entrypoints.stop(GRACE)
        assert time.monotonic() - began < GRACE / 2
        assert await idle.closed()
        assert await fresh.closed()


async def test_nobody_new_is_let_in():
    async with staged() as stage:
        port = stage.port()
        await stage.entrypoints.stop(1.0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_an_endless_answer_is_ended_when_the_grace_is_over():
    async def endless(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await call.send(b"5\r\nagain\r\n")
            await asyncio.sleep(0.01)

    async with staged(endless) as stage:
        client = await stage.client()
        await client.send(GET)
        assert (await client.head()).status == 200
        call = stage.app.calls[0]
        began = time.monotonic()
        await stage.entrypoints.stop(0.5)
        assert 0.4 < time.monotonic() - began < GRACE
        assert not (await client.rest()).endswith(b"0\r\n\r\n")
        async with asyncio.timeout(GRACE - 2):
            await call.left.wait()
        assert len(stage.records) == 1


async def test_a_client_that_does_not_read_cannot_hold_the_stop_up():
    async def large(call: Call) -> None:
        await call.answer(bytes(50_000_000))

    async with staged(large) as stage:
        client = await stage.client()
        await client.send(GET)
        await client.head()
        client.writer.transport.pause_reading()
        began = time.monotonic()
        await stage.entrypoints.stop(0.5)
        assert time.monotonic() - began < GRACE
        assert stage.entrypoints.connections == 0


async def test_a_second_stop_changes_nothing():
    async with staged() as stage:
        await stage.entrypoints.stop(0.5)
        await stage.entrypoints.stop(0.5)
        assert stage.entrypoints.connections == 0
