"""Large bodies, which the kernel may move past us: whole, in order, and never more than was announced."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random

import pytest

from proxy import conduit
from tests.proxy.wire.stage import Call, eventually, staged

GET = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
SIZE = 6 * 1024 * 1024 + 17
BODY = random.Random(7).randbytes(SIZE)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def answers(call: Call) -> None:
    """Digest of what came, in a field; the large body back."""
    digest = hashlib.sha256(await call.body()).hexdigest()
    await call.send(
        b"HTTP/1.1 200 OK\r\nX-Digest: %b\r\nContent-Length: %d\r\n\r\n" % (digest.encode(), SIZE)
    )
    await call.send(BODY)


def put(body: bytes) -> bytes:
    return b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def test_both_ways_whole_and_the_connections_are_kept():
    async with staged(answers) as stage:
        client = await stage.client()
        for number in range(3):
            sent = BODY[number:]
            client.writer.write(put(sent))
            reply = await client.reply()
            assert reply.body == BODY
            assert reply.get("X-Digest") == hashlib.sha256(sent).hexdigest()
            record = await stage.record(number)
            assert (record.bytes_in, record.bytes_out) == (len(sent), SIZE)
        assert stage.app.connections == 1


async def test_what_is_asked_meanwhile_is_answered_afterwards():
    async with staged(answers) as stage:
        client = await stage.client()
        await client.send(GET)
        assert (await client.head()).status == 200
        await client.send(GET)
        assert await client.reader.readexactly(SIZE) == BODY
        assert (await client.reply()).body == BODY


async def test_a_slow_reader_gets_all_of_it_and_nothing_piles_up_here():
    async with staged(answers) as stage:
        client = await stage.client(window=4096)
        client.reader._limit = 4096  # it does not read ahead of us
        await client.send(GET)
        head = await client.head()
        got = hashlib.sha256()
        left = SIZE
        while left:
            piece = await client.reader.read(min(left, 50_000))
            got.update(piece)
            left -= len(piece)
            await asyncio.sleep(0)
        assert head.get("Content-Length") == str(SIZE)
        assert got.digest() == hashlib.sha256(BODY).digest()


async def test_an_answer_that_breaks_off_ends_the_connection():
    async def breaks(call: Call) -> None:
        await call.body()
        await call.send(OK % SIZE + BODY[: SIZE // 2])
        call.writer.close()

    async with staged(breaks) as stage:
        client = await stage.client()
        await client.send(GET)
        assert (await client.head()).status == 200
        got = await client.rest()
        assert BODY.startswith(got)
        assert len(got) <= SIZE // 2
        assert (await stage.record()).fault


async def test_what_comes_after_an_answer_reaches_nobody():
    async def babbles(call: Call) -> None:
        await call.body()
        await call.send(OK % SIZE + BODY + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON")

    async with staged(babbles) as stage:
        client = await stage.client()
        for _ in range(3):
            assert (await client.ask(GET)).body == BODY
        assert stage.app.connections == 3


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind():
    async def endless(call: Call) -> None:
        await call.body()
        await call.send(OK % (1 << 40))
        while True:
            await call.send(BODY)

    async with staged(endless) as stage:
        await (await stage.client()).ask(b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n")
        before = descriptors()
        for _ in range(conduit.MOST_SPARE + 4):
            client = await stage.client()
            await client.send(GET)
            await client.head()
            await client.reader.readexactly(1 << 20)
            client.abort()
        await eventually(lambda: stage.entrypoints.connections == 1)
        await eventually(lambda: not stage.pool._connections)
        await eventually(lambda: not stage.app._busy)
        assert descriptors() <= before + 2 * conduit.MOST_SPARE


@pytest.mark.parametrize("keeps_reading", [True, False])
async def test_an_app_that_answers_before_the_end_of_an_upload(keeps_reading):
    async def early(call: Call) -> None:
        await call.reader.readexactly(1 << 20)
        await call.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        if keeps_reading:
            await call.until_left()
        else:
            call.writer.close()

    async with staged(early) as stage:
        client = await stage.client()
        client.writer.write(put(BODY))
        reply = await client.reply()
        assert (reply.status, reply.body) == (413, b"big")
        await eventually(lambda: not stage.pool._connections)


async def test_a_client_that_goes_in_the_middle_of_an_upload_takes_the_request_with_it():
    async def waits(call: Call) -> None:
        await call.until_left()

    async with staged(waits) as stage:
        client = await stage.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 999999999\r\n\r\n" + BODY)
        await stage.app.call()
        client.abort()
        await stage.app.calls[0].left.wait()
        assert (await stage.record()).status == 499


async def test_a_server_that_does_not_read_makes_the_client_wait():
    gate = asyncio.Event()

    async def late(call: Call) -> None:
        await gate.wait()
        await answers(call)

    async with staged(late) as stage:
        client = await stage.client()
        sending = asyncio.get_running_loop().create_task(client.send(put(BODY * 8)))
        await stage.app.call()
        await asyncio.sleep(0.1)
        assert (await stage.connection()).wire.unsent == 0
        gate.set()
        reply = await client.reply()
        await sending
        assert reply.get("X-Digest") == hashlib.sha256(BODY * 8).hexdigest()
