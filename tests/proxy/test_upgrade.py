"""Two ends are joined until both have ended, and at a stop they are told so between two frames."""

from __future__ import annotations

import asyncio
import resource
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.exchange import Truncated
from proxy.upgrade import join
from proxy.websocket import close_frame
from tests.proxy.scripted_server import SECOND, eventually, scripted, ticks
from tests.proxy.test_upstream import HOST, Pool, request
from tests.proxy.test_websocket import frame

GOODBYE = close_frame(1001)
MASKED_GOODBYE = 8  # octets: a header of two, the mask, the status


class End:
    """One end of a tunnel, played by a test: what it says is queued, what it hears is kept.

    A quick one passes on at once what it says and takes at once what it hears, where it can.
    """

    quick = False

    def __init__(self) -> None:
        self._said: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._awaited = False
        self.passed_at_once = 0
        self.heard = b""
        self.heard_eof = False
        self.closed = False
        self.slow: asyncio.Event | None = None
        self.gone = False
        self.at_once: Callable[[bytes], bool] | None = None

    def say(self, *data: bytes | Exception) -> None:
        for each in data:
            if self._passes(each):
                self.passed_at_once += 1
            else:
                self._said.put_nowait(each)

    def _passes(self, said: bytes | Exception) -> bool:
        idle = self.quick and self._awaited and not self._said.qsize()
        return bool(idle and self.at_once and said and isinstance(said, bytes) and self.at_once(said))

    def waiting(self) -> int:
        return self._said.qsize()

    async def read(self) -> bytes:
        self._awaited = True
        said = await self._said.get()
        self._awaited = False
        if isinstance(said, Exception):
            raise said
        return said

    async def write(self, data: bytes) -> None:
        if self.gone:
            raise ConnectionResetError
        self.heard += data
        if self.slow:
            await self.slow.wait()

    def write_at_once(self, data: bytes) -> bool:
        if not self.quick or self.gone or self.slow:
            return False
        self.heard += data
        return True

    def write_eof(self) -> None:
        self.heard_eof = True

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True, params=[False, True], ids=["through tasks", "at once"])
def quick(request, monkeypatch) -> bool:
    monkeypatch.setattr(End, "quick", request.param)
    return request.param


@asynccontextmanager
async def joined(
    websocket: bool = True, half_open: float = 60.0
) -> AsyncIterator[tuple[End, End, asyncio.Event, asyncio.Task[None]]]:
    client, server, stopping = End(), End(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            join(client, server, websocket=websocket, stopping=stopping, half_open=half_open)
        )
        await ticks()
        yield client, server, stopping, task
        task.cancel()
    assert client.closed
    assert server.closed


async def test_bytes_are_copied_both_ways():
    async with joined() as (client, server, _, _):
        client.say(b"abc", b"def")
        server.say(b"123")
        await eventually(lambda: (server.heard, client.heard) == (b"abcdef", b"123"))


async def test_no_task_is_woken_for_what_the_other_side_takes(quick):
    async with joined() as (client, server, _, _):
        client.say(b"abc", b"def")
        assert (server.heard, client.passed_at_once) == ((b"abcdef", 2) if quick else (b"", 0))
        await eventually(lambda: server.heard == b"abcdef")


async def test_what_has_to_wait_keeps_its_place_before_what_comes_later():
    async with joined() as (client, server, _, _):
        server.slow = asyncio.Event()
        client.say(b"abc")
        await eventually(lambda: server.heard == b"abc")
        slow, server.slow = server.slow, None
        client.say(b"def")
        await ticks()
        assert server.heard == b"abc"
        slow.set()
        await eventually(lambda: server.heard == b"abcdef")


async def test_the_end_of_one_side_is_passed_on_and_the_other_may_go_on():
    async with joined(websocket=False) as (client, server, _, task):
        client.say(b"abc", b"")
        await eventually(lambda: server.heard_eof)
        server.say(b"still")
        await eventually(lambda: client.heard == b"still")
        assert not task.done()
        server.say(b"")
        await eventually(task.done)
        assert client.heard_eof


async def test_a_side_that_is_silent_after_the_other_has_ended_is_not_awaited_for_ever():
    async with joined(half_open=0.05) as (client, _, _, task):
        client.say(b"")
        await eventually(task.done)


async def test_silence_alone_ends_nothing():
    async with joined(half_open=0.001) as (client, server, _, task):
        await asyncio.sleep(0.02)
        client.say(b"abc")
        await eventually(lambda: server.heard == b"abc")
        assert not task.done()


@pytest.mark.parametrize("error", [ConnectionResetError(), Truncated("gone")])
async def test_a_side_that_breaks_takes_the_other_with_it(error):
    async with joined() as (client, server, _, task):
        server.say(error)
        await eventually(task.done)
        assert client.closed
        assert task.exception() is None


async def test_a_side_that_cannot_be_written_to_takes_the_other_with_it():
    async with joined() as (client, server, _, task):
        server.gone = True
        client.say(b"abc")
        await eventually(task.done)


async def test_a_stop_says_going_away_to_both_and_ends_when_both_have_answered():
    async with joined() as (client, server, stopping, task):
        client.say(frame(b"hello", mask=b"mask"))
        await eventually(lambda: server.heard)
        stopping.set()
        await eventually(lambda: client.heard == GOODBYE)
        assert server.heard[11:][:2] == b"\x88\x82"
        assert len(server.heard[11:]) == MASKED_GOODBYE
        client.say(close_frame(1001, b"abcd"))
        server.say(close_frame(1001))
        await eventually(task.done)


async def test_a_stop_waits_a_second_at_most():
    async with joined() as (client, _, stopping, task):
        stopping.set()
        await eventually(lambda: client.heard == GOODBYE)
        await eventually(task.done, within=5.0)


@pytest.mark.parametrize("cut", range(1, 11))
async def test_a_stop_inside_a_frame_speaks_after_it(cut):
    raw = frame(b"hello", mask=b"mask")
    async with joined() as (client, server, stopping, task):
        client.say(raw[:cut])
        await eventually(lambda: server.heard == raw[:cut])
        stopping.set()
        await eventually(lambda: client.heard == GOODBYE)
        assert server.heard == raw[:cut]
        client.say(raw[cut:] + frame(b"late", mask=b"mask"))
        await eventually(lambda: len(server.heard) == len(raw) + MASKED_GOODBYE)
        assert server.heard.startswith(raw + b"\x88\x82")
        assert not task.done()


async def test_a_stop_while_an_end_is_slow_speaks_after_what_was_written():
    async with joined() as (client, server, stopping, _):
        server.slow = asyncio.Event()
        client.say(frame(b"hello", mask=b"mask"))
        await eventually(lambda: server.heard)
        stopping.set()
        await eventually(lambda: len(server.heard) == 11 + MASKED_GOODBYE)


async def test_nothing_is_said_after_a_close_that_was_already_said():
    said = frame(b"\x03\xe8", opcode=8)
    async with joined() as (client, server, stopping, task):
        server.say(said)
        await eventually(lambda: client.heard == said)
        stopping.set()
        await eventually(lambda: server.heard)
        await ticks()
        assert client.heard == said
        await eventually(task.done, within=5.0)


async def test_a_stop_ends_a_tunnel_that_is_no_websocket_at_once():
    async with joined(websocket=False) as (client, _, stopping, task):
        stopping.set()
        await eventually(task.done)
        assert client.heard == b""


async def test_who_waits_for_a_join_can_be_cancelled():
    async with joined() as (_, _, _, task):
        task.cancel()
        await eventually(task.done)


# Over a real connection

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool()
    yield pool
    await pool.close()


async def test_a_server_that_switches_is_a_stream(pool):
    async with scripted(["ask", SWITCH + b"early", "echo", "eof"]) as (stage, server):
        response = await pool.ask(server, HOST, request(), "websocket")
        assert response.status == 101
        assert b"\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" in stage.requests[0]
        tunnel = response.upgraded
        assert tunnel
        assert await tunnel.read() == b"early"
        await tunnel.write(b"hello")
        assert await tunnel.read() == b"hello"
        tunnel.write_eof()
        assert await tunnel.read() == b""
        tunnel.close()
        await eventually(lambda: not stage.open)


async def test_a_tunnel_may_go_on_after_its_server_has_ended(pool):
    async with scripted(["ask", SWITCH, "eof"]) as (stage, server):
        tunnel = (await pool.ask(server, HOST, request(), "websocket")).upgraded
        assert tunnel
        assert await tunnel.read() == b""
        await tunnel.write(b"x" * 100)
        assert stage.open
        tunnel.close()
        await eventually(lambda: stage.lost == ["eof"])


async def test_a_reset_tunnel_is_an_error(pool):
    async with scripted(["ask", SWITCH, "tick", "reset"]) as (_, server):
        tunnel = (await pool.ask(server, HOST, request(), "websocket")).upgraded
        assert tunnel
        with pytest.raises(Truncated):
            await tunnel.read()
        with pytest.raises(ConnectionError):
            await tunnel.write(b"x")


async def test_a_refused_upgrade_is_an_ordinary_answer(pool):
    refusal = b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"
    async with scripted(["ask", refusal, "ask", SECOND]) as (stage, server):
        response = await pool.ask(server, HOST, request(), "websocket")
        assert (response.status, response.body, response.upgraded) == (403, b"no", None)
        assert (await pool.ask(server, HOST, request())).body == b"second"
        assert stage.connections == 1


async def test_a_tunnel_that_is_dropped_closes_its_connection(pool):
    async with scripted(["ask", SWITCH]) as (stage, server):
        response = await pool.ask(server, HOST, request(), "websocket")
        assert stage.open == 1
        del response
        await eventually(lambda: not stage.open)


async def test_a_tunnel_dies_with_its_container(pool):
    async with scripted(["ask", SWITCH], owner="blog") as (stage, server):
        tunnel = (await pool.ask(server, HOST, request(), "websocket")).upgraded
        assert tunnel
        pool.drop_owner("blog")
        with pytest.raises(Truncated):
            await tunnel.read()
        await eventually(lambda: not stage.open)


def memory() -> int:
    """Octets of memory in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Counting(End):
    """Hears without keeping."""

    count = 0

    async def write(self, data: bytes) -> None:
        self.count += len(data)

    def write_at_once(self, data: bytes) -> bool:
        self.count += len(data)
        return True


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory in use from Linux")
async def test_a_message_of_64_mebibytes_is_not_held(pool):
    size = 64 * 2**20
    piece = bytes(2**16)
    client, stopping = Counting(), asyncio.Event()
    async with scripted(["ask", SWITCH, "echo", "eof"]) as (_, server):
        tunnel = (await pool.ask(server, HOST, request(), "websocket")).upgraded
        assert tunnel
        used = [await asyncio.to_thread(memory)]

        async def speak() -> None:
            client.say(struct.pack("!BBQ", 0x82, 0x80 | 127, size) + b"mask")
            for index in range(size // len(piece)):
                while client.waiting() > 8:
                    await asyncio.sleep(0)
                client.say(piece)
                if index % 64 == 0:
                    used.append(await asyncio.to_thread(memory))
            client.say(b"")

        async with asyncio.TaskGroup() as group:
            group.create_task(speak())
            await join(client, tunnel, websocket=True, stopping=stopping)
        assert client.count == size + 14
        assert max(used) - used[0] < 8 * 2**20
