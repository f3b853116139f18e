from __future__ import annotations

import gc
from collections.abc import AsyncGenerator

import pytest

from proxy.exchange import Response, Truncated
from proxy.piping import afterwards, close, read_some, rejoined
from tests.proxy.middlewares.world import Pieces


class Times:
    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> None:
        self.number += 1


async def content(response: Response) -> bytes:
    assert not isinstance(response.body, bytes)
    return b"".join([piece async for piece in response.body])


async def test_it_is_over_when_all_is_out() -> None:
    over = Times()
    response = afterwards(Response(200, body=Pieces(b"a", b"b")), over)
    assert over.number == 0
    assert await content(response) == b"ab"
    assert over.number == 1


async def test_it_is_over_when_nobody_reads_it() -> None:
    over, source = Times(), Pieces(b"a")
    response = afterwards(Response(200, body=source), over)
    await close(response.body)
    assert (over.number, source.closed) == (1, True)


async def test_it_is_over_when_somebody_stops_reading() -> None:
    over, source = Times(), Pieces(b"a", b"b")
    response = afterwards(Response(200, body=source), over)
    assert not isinstance(response.body, bytes)
    pieces = aiter(response.body)
    assert isinstance(pieces, AsyncGenerator)
    assert await anext(pieces) == b"a"
    await pieces.aclose()
    assert (over.number, source.closed) == (1, True)


async def test_it_is_over_when_the_sender_goes() -> None:
    over = Times()
    with pytest.raises(Truncated):
        await content(afterwards(Response(200, body=Pieces(b"a", Truncated("gone"))), over))
    assert over.number == 1


async def test_it_is_over_when_it_is_forgotten() -> None:
    over = Times()
    response = afterwards(Response(200, body=Pieces(b"a")), over)
    del response
    gc.collect()
    assert over.number == 1


async def test_content_in_memory_is_over_at_once() -> None:
    over = Times()
    assert afterwards(Response(200, body=b"x"), over).body == b"x"
    assert over.number == 1


@pytest.mark.parametrize(("enough", "start"), [(1, b"ab"), (3, b"abcd"), (9, b"abcde")])
async def test_what_was_read_to_look_at_is_not_lost(enough: int, start: bytes) -> None:
    seen, rest = await read_some(Pieces(b"ab", b"cd", b"e"), enough)
    assert seen == start
    assert (rest is None) == (len(start) == 5)
    if rest:
        assert await content(Response(200, body=rejoined(seen, rest, 5))) == b"abcde"
