"""Large transfers between a fast side and one that has stopped: the fast one waits, nothing piles up."""

import asyncio
import os

from tests.proxy.wire.stage import Call, Client, eventually, staged

SIZE = 200 * 1024 * 1024
MEGABYTE = bytes(1024 * 1024)
GROWTH = 24 * 1024 * 1024
"""Both ends of the test, client and app, live in this process with buffers of their own."""


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Pump:
    """Writes all of it as fast as it is let, in the background."""

    def __init__(self, writer: asyncio.StreamWriter, piece: int = len(MEGABYTE)) -> None:
        self.written = 0
        self._writer = writer
        self._piece = MEGABYTE[:piece]

    async def run(self) -> None:
        while self.written < SIZE:
            self._writer.write(self._piece)
            await self._writer.drain()
            self.written += len(self._piece)


async def stalled(pump: Pump) -> None:
    """Wait until nothing more can be written."""
    before = -1
    while before != pump.written:
        before = pump.written
        await asyncio.sleep(0.3)


async def test_a_download_waits_for_its_reader():
    pumps: list[Pump] = []

    async def large(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        pumps.append(Pump(call.writer))
        await pumps[0].run()

    async with staged(large) as stage:
        client = await stage.client(window=256 * 1024)
        await client.send(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        await client.head()
        before = resident()
        client.writer.transport.pause_reading()
        await eventually(lambda: pumps)
        await stalled(pumps[0])
        assert pumps[0].written < SIZE
        assert resident() - before < GROWTH
        client.writer.transport.resume_reading()
        await read_away(client)
        assert resident() - before < GROWTH
        assert (await stage.record()).bytes_out == SIZE


async def read_away(client: Client) -> None:
    left = SIZE
    async with asyncio.timeout(60):
        while left:
            piece = await client.reader.read(1 << 20)
            assert piece
            left -= len(piece)


async def test_an_upload_waits_for_the_app():
    go_on = asyncio.Event()

    async def stalls(call: Call) -> None:
        await go_on.wait()
        size = 0
        async for piece in call.pieces():
            size += len(piece)
        await call.answer(b"%d" % size)

    async with staged(stalls) as stage:
        client = await stage.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n" % SIZE)
        await stage.app.call()
        pump = Pump(client.writer)
        before = resident()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pump.run())
            await stalled(pump)
            assert pump.written < SIZE
            assert resident() - before < GROWTH
            go_on.set()
        reply = await client.reply()
        assert reply.body == b"%d" % SIZE
        assert resident() - before < GROWTH


async def test_many_stalled_uploads_hold_little_each():
    told = asyncio.Event()

    async def stalls(call: Call) -> None:
        await told.wait()

    async with staged(stalls) as stage:
        clients = [await stage.client() for _ in range(20)]
        for client in clients:
            await client.send(b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n" % SIZE)
        await eventually(lambda: len(stage.app.calls) == 20)
        before = resident()
        connections = stage.entrypoints._gate.connections()
        async with asyncio.TaskGroup() as tasks:
            pumping = [tasks.create_task(Pump(client.writer, piece=65536).run()) for client in clients]
            await eventually(lambda: all(connection.wire.held for connection in connections))
            held = resident() - before
            for task in pumping:
                task.cancel()
        assert held < 20 * 1024 * 1024
        told.set()
