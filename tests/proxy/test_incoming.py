"""What comes from a server is handed on in order, held back in time, and ends as it ended."""

from __future__ import annotations

import asyncio

import pytest

from proxy.exchange import Truncated
from proxy.incoming import HIGH, Incoming, ResponseBody
from tests.proxy.scripted_server import ticks


class Source:
    """A connection that only remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def hold(self) -> None:
        self.told.append("hold")

    def release(self) -> None:
        self.told.append("release")

    def abort(self) -> None:
        self.told.append("abort")


async def test_pieces_are_read_in_order_and_then_the_end():
    incoming = Incoming(Source())
    incoming.put(b"a")
    incoming.put(b"")
    incoming.put(b"b")
    incoming.end((("X-Sum", "1"),))
    assert [await incoming.get() for _ in range(4)] == [b"a", b"b", b"", b""]
    assert incoming.trailers == (("X-Sum", "1"),)


async def test_a_reader_waits_for_what_has_not_come():
    incoming = Incoming(Source())
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(incoming.get())
        await ticks()
        assert not reading.done()
        incoming.put(b"a")
    assert reading.result() == b"a"


async def test_an_error_takes_the_place_of_the_end():
    incoming = Incoming(Source())
    incoming.put(b"a")
    incoming.fail(Truncated("gone"))
    assert await incoming.get() == b"a"
    for _ in range(2):
        with pytest.raises(Truncated):
            await incoming.get()


async def test_an_end_is_final():
    incoming = Incoming(Source())
    incoming.end()
    incoming.fail(Truncated("gone"))
    assert await incoming.get() == b""


async def test_the_source_is_held_until_the_reader_comes_back_for_more():
    source = Source()
    incoming = Incoming(source)
    half = bytes(HIGH // 2)
    incoming.put(half)
    assert source.told == []
    incoming.put(half)
    assert source.told == ["hold"]
    await incoming.get()
    await incoming.get()
    assert source.told == ["hold"]
    async with asyncio.TaskGroup() as group:
        more = group.create_task(incoming.get())
        await asyncio.sleep(0)
        assert source.told == ["hold", "release"]
        incoming.put(b"more")
    assert more.result() == b"more"


async def test_a_source_that_is_done_is_told_nothing_more():
    """Its connection may already serve another request."""
    source = Source()
    incoming = Incoming(source)
    incoming.put(bytes(HIGH))
    incoming.end()
    await incoming.get()
    incoming.abandon()
    assert source.told == ["hold"]


async def test_a_body_that_is_dropped_gives_its_connection_up():
    source = Source()
    body = ResponseBody(Incoming(source), None)
    del body
    assert source.told == ["abort"]


async def test_a_body_that_was_read_gives_nothing_up():
    source = Source()
    incoming = Incoming(source)
    body = ResponseBody(incoming, 1)
    incoming.put(b"a")
    incoming.end()
    assert [piece async for piece in body] == [b"a"]
    del body
    assert "abort" not in source.told


async def test_a_source_that_ends_while_it_is_released_keeps_nobody_waiting():
    class Ending(Source):
        def release(self) -> None:
            incoming.fail(Truncated("gone"))

    incoming = Incoming(Ending())
    async with asyncio.timeout(1):
        with pytest.raises(Truncated):
            await incoming.get()


async def test_many_small_pieces_take_no_more_than_they_hold():
    incoming = Incoming(Source())
    sent = [bytes((number % 256, number // 256)) for number in range(20_000)]
    for piece in sent:
        incoming.put(piece)
    incoming.end()
    got = []
    while piece := await incoming.get():
        got.append(piece)
    assert b"".join(got) == b"".join(sent)
    assert len(got) < 100
