"""Clients that keep us waiting, with limits short enough to watch."""

import asyncio
import socket
import struct
import time

import pytest

from proxy.limits import Limits
from proxy.upstream import Timeouts
from tests.proxy.wire.stage import Call, eventually, says, staged

GET = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
LONG = 30.0


def short(**limits: float) -> Limits:
    """Only the limit under test is short: nothing else may be what ends the connection.

    Who is to be spared by a limit gets half a second at least between what keeps the connection and
    its end: this process may not be given a core for so long.
    """
    others = dict.fromkeys(("handshake", "head", "idle", "content", "write", "unread", "linger"), LONG)
    return Limits(**{**others, "linger": 0.2, "sweep": 0.02, **limits})


async def test_a_silent_connection_is_closed_without_a_word():
    async with staged(limits=short(head=0.1)) as stage:
        client = await stage.client()
        assert await client.closed(LONG / 2)
        assert stage.records == []


async def test_a_head_that_drips_is_cut_although_it_makes_progress():
    async with staged(limits=short(head=0.3)) as stage:
        client = await stage.client()
        began = time.monotonic()
        await client.send(b"GET / HTTP/1.1\r\nHost: app.test\r\n")
        reading = asyncio.ensure_future(client.reply())  # noqa: TID251
        while not reading.done() and time.monotonic() < began + LONG / 2:
            client.writer.write(b"X: y\r\n")
            await asyncio.sleep(0.05)
        reply = await reading
        assert (reply.status, reply.get("Connection")) == (408, "close")
        assert await client.closed()
        assert (await stage.record()).status == 408
        assert stage.app.calls == []


async def test_the_head_of_a_later_request_has_its_own_time():
    async with staged(limits=short(head=1.0)) as stage:
        client = await stage.client()
        for _ in range(4):
            assert (await client.ask(GET)).status == 200
            await asyncio.sleep(0.4)
        await client.send(GET[:10])
        assert (await client.reply()).status == 408


async def test_an_idle_connection_is_closed():
    async with staged(limits=short(idle=0.1)) as stage:
        client = await stage.client()
        assert (await client.ask(GET)).status == 200
        assert await client.closed(LONG / 2)
        assert len(stage.records) == 1


async def test_content_that_does_not_come_is_answered_408_and_the_app_is_let_go():
    async with staged(limits=short(content=0.5)) as stage:
        client = await stage.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\nabc")
        call = await stage.app.call()
        reply = await client.reply()
        assert (reply.status, reply.get("Connection")) == (408, "close")
        assert await client.closed()
        async with asyncio.timeout(LONG / 2):
            await call.left.wait()
        assert (await stage.record()).status == 408
        assert len(stage.records) == 1


async def test_content_that_comes_slowly_but_comes_is_let_through():
    async with staged(limits=short(content=1.0)) as stage:
        client = await stage.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 12\r\n\r\n")
        for _ in range(12):  # more than the limit in all
            await asyncio.sleep(0.15)
            await client.send(b"x")
        assert (await client.reply()).status == 200


async def test_a_slow_app_is_not_the_clients_fault():
    async def slow(call: Call) -> None:
        await asyncio.sleep(1.5)
        await says()(call)

    async with staged(slow, limits=short(content=0.5, head=0.5, idle=0.5, write=0.5)) as stage:
        client = await stage.client()
        reply = await client.ask(b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\n\r\nab")
        assert reply.status == 200


@pytest.mark.parametrize(
    "framing, pieces",
    [
        ("Content-Length: 3", [b"a", b"b", b"c"]),
        ("Transfer-Encoding: chunked", [b"2\r\nab\r\n", b"0\r\n", b"\r\n"]),
    ],
)
async def test_a_slow_client_is_not_the_apps_fault(framing: str, pieces: list[bytes]):
    async with staged(timeouts=Timeouts(first_byte=0.5)) as stage:
        client = await stage.client()
        await client.send(f"PUT / HTTP/1.1\r\nHost: app.test\r\n{framing}\r\n\r\n".encode())
        for piece in pieces:
            await asyncio.sleep(0.7)
            await client.send(piece)
        assert (await client.reply()).status == 200


async def test_a_client_that_nobody_invites_hears_that_the_app_was_silent():
    async def silent(call: Call) -> None:
        await call.until_left()

    async with staged(silent, timeouts=Timeouts(first_byte=0.1)) as stage:
        client = await stage.client()
        await client.send(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert (await client.reply()).status == 504


async def test_a_client_that_waits_for_an_invitation_is_not_cut_for_sending_nothing():
    async def slow(call: Call) -> None:
        await asyncio.sleep(2.5)
        await call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await call.answer(await call.body())

    async with staged(slow, limits=short(content=1.0)) as stage:
        client = await stage.client()
        await client.send(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert (await client.head()).status == 100
        await asyncio.sleep(0.3)  # its time begins with the invitation
        assert (await client.ask(b"abc")).body == b"abc"


async def test_an_upload_that_the_app_does_not_take_is_not_the_clients_fault():
    go_on = asyncio.Event()

    async def stalls(call: Call) -> None:
        await go_on.wait()
        await call.answer(b"%d" % len(await call.body()))

    async with staged(stalls, limits=short(content=1.0)) as stage:
        client = await stage.client()
        size = 30_000_000
        client.writer.write(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
        )
        connection = await stage.connection()
        await eventually(lambda: connection.wire.held)
        await asyncio.sleep(1.5)
        go_on.set()
        assert (await client.reply()).body == b"%d" % size


async def test_a_client_that_resets_an_upload_which_nobody_takes_is_let_go_with_its_request():
    async def deaf(call: Call) -> None:
        await eventually(lambda: stage.records)

    async with staged(deaf, limits=short()) as stage:
        client = await stage.client()
        client.writer.write(b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100000000\r\n\r\n")
        client.writer.write(b"x" * 50_000_000)
        connection = await stage.connection()
        await eventually(lambda: connection.wire.held)
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.abort()
        assert (await stage.record()).fault == "the client left"
        await eventually(lambda: not stage.pool._connections)


async def test_a_client_that_reads_nothing_is_cut_and_the_app_is_let_go():
    async def endless(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await call.send(b"10000\r\n" + bytes(65536) + b"\r\n")

    async with staged(endless, limits=short(write=0.3)) as stage:
        client = await stage.client()
        await client.send(GET)
        call = await stage.app.call()
        client.writer.transport.pause_reading()
        async with asyncio.timeout(LONG / 2):
            await call.left.wait()
        await eventually(lambda: stage.entrypoints.connections == 0)
        assert (await stage.record()).fault


async def test_a_client_that_reads_slowly_but_reads_gets_everything():
    size = 12_000_000

    async def large(call: Call) -> None:
        await call.answer(bytes(size))

    async with staged(large, limits=short(write=1.0)) as stage:
        client = await stage.client(window=65536)
        await client.send(GET)
        reply = await client.head()
        left = int(reply.get("Content-Length") or 0)
        assert left == size
        began = time.monotonic()
        while left:
            piece = await client.reader.read(400_000)
            assert piece
            left -= len(piece)
            if time.monotonic() < began + 2.5:
                await asyncio.sleep(0.2)
        assert (await stage.record()).bytes_out == size


async def test_a_client_that_does_not_go_after_its_last_answer_is_closed():
    async with staged(limits=short(linger=0.1)) as stage:
        client = await stage.client()
        reply = await client.ask(b"GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
        assert reply.get("Connection") == "close"
        await eventually(lambda: stage.entrypoints.connections == 0, within=LONG / 2)


async def test_a_client_that_goes_on_sending_after_its_last_answer_is_closed():
    async with staged(limits=short(linger=0.3)) as stage:
        client = await stage.client()
        head = b"PUT / HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 100000000\r\n\r\n"
        assert (await client.ask(head)).status == 404
        deadline = time.monotonic() + LONG / 2
        while stage.entrypoints.connections and time.monotonic() < deadline:
            client.writer.write(b"x" * 1000)
            await asyncio.sleep(0.02)
        assert stage.entrypoints.connections == 0


async def test_many_slow_clients_leave_the_others_alone():
    async with staged(limits=short(head=5.0)) as stage:
        slow = [await stage.client() for _ in range(300)]
        for client in slow:
            client.writer.write(b"GET / HTTP/1.1\r\nHost: ap")
        good = await stage.client()
        for _ in range(50):
            assert (await good.ask(GET)).status == 200


async def test_a_client_that_was_invited_late_is_not_the_apps_fault():
    async def slow(call: Call) -> None:
        await asyncio.sleep(0.8)
        await call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await call.answer(await call.body())

    async with staged(slow, timeouts=Timeouts(first_byte=2.0)) as stage:
        client = await stage.client()
        await client.send(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert (await client.head()).status == 100
        await asyncio.sleep(2.5)  # the app's time does not run meanwhile
        assert (await client.ask(b"abc")).body == b"abc"
