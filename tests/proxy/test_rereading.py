from __future__ import annotations

import pytest

from proxy.rereading import MOST, Rereadable
from tests.proxy.middlewares.world import Pieces


async def read(body: Rereadable) -> bytes:
    return b"".join([piece async for piece in body])


@pytest.mark.parametrize("length", [None, 5])
async def test_what_was_read_to_its_end_is_read_again(length: int | None) -> None:
    body = Rereadable(Pieces(b"he", b"llo", length=length))
    assert body.untouched and body.again
    assert await read(body) == await read(body) == b"hello"
    assert not body.untouched


async def test_what_is_large_is_not_kept() -> None:
    body = Rereadable(Pieces(bytes(MOST), b"x"))
    assert len(await read(body)) == MOST + 1
    assert not body.again
    with pytest.raises(ValueError):
        await read(body)


async def test_the_rest_of_what_was_left_in_the_middle_is_not_all_of_it() -> None:
    body = Rereadable(Pieces(b"he", b"llo"))
    async for _ in body:
        break
    assert not body.again
