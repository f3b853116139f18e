"""More clients than there is room for."""

import asyncio
import errno
import time

from proxy.limits import Limits
from tests.proxy.wire.stage import Call, eventually, says, staged

GET = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"


async def test_who_finds_no_room_waits_until_somebody_leaves():
    go_on = asyncio.Event()

    async def slow(call: Call) -> None:
        await go_on.wait()
        await says()(call)

    async with staged(slow, limits=Limits(connections=3)) as stage:
        busy = [await stage.client() for _ in range(3)]
        for client in busy:
            await client.send(GET)
        await eventually(lambda: len(stage.app.calls) == 3)
        waiting = await stage.client()
        await waiting.send(GET)
        assert not await waiting.closed(0.2)
        assert (len(stage.app.calls), stage.entrypoints.connections) == (3, 3)
        busy[0].abort()
        await eventually(lambda: len(stage.app.calls) == 4)
        go_on.set()
        assert (await waiting.reply()).status == 200


async def test_the_longest_idle_make_room_for_who_comes():
    async with staged(limits=Limits(connections=3)) as stage:
        idle = [await stage.client() for _ in range(3)]
        for client in idle:
            await client.ask(GET)
        for _ in range(10):
            client = await stage.client()
            assert (await client.ask(GET)).status == 200
        assert await idle[0].closed()


async def test_who_is_done_makes_room_for_who_waits():
    go_on = asyncio.Event()

    async def slow(call: Call) -> None:
        await go_on.wait()
        await says()(call)

    async with staged(slow, limits=Limits(connections=1)) as stage:
        busy, waiting = await stage.client(), await stage.client()
        await busy.send(GET)
        await stage.app.call()
        await waiting.send(GET)
        capacity = stage.entrypoints._gate.capacity
        await eventually(lambda: capacity.wanted)
        go_on.set()
        assert (await busy.reply()).get("Connection") == "close"
        busy.close()
        assert (await waiting.reply()).status == 200


async def test_a_full_proxy_does_not_spin():
    go_on = asyncio.Event()

    async def slow(call: Call) -> None:
        await go_on.wait()
        await says()(call)

    async with staged(slow, limits=Limits(connections=2)) as stage:
        clients = [await stage.client() for _ in range(20)]
        for client in clients:
            await client.send(GET)
        await eventually(lambda: len(stage.app.calls) == 2)
        cpu = time.process_time()
        await asyncio.sleep(0.5)
        assert time.process_time() - cpu < 0.15
        go_on.set()
        for client in clients:
            assert (await client.reply()).status == 200
            client.close()


async def test_without_descriptors_it_waits_and_goes_on(monkeypatch):
    async with staged() as stage:
        _, door = stage.entrypoints._doors[0]
        listening = door._listening
        failures = 0

        class Exhausted:
            """The listening socket of a process that has run out of descriptors."""

            def accept(self):
                nonlocal failures
                failures += 1
                if failures < 3:
                    raise OSError(errno.EMFILE, "Too many open files")
                return listening.accept()

            def __getattr__(self, name):
                return getattr(listening, name)

        monkeypatch.setattr(door, "_listening", Exhausted())
        monkeypatch.setattr("proxy.door.PAUSE", 0.05)
        client = await stage.client()
        assert (await client.ask(GET)).status == 200
        assert 3 <= failures < 10
