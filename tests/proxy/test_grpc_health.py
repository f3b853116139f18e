from __future__ import annotations

import pytest

from proxy.exchange import Fields
from proxy.grpc_frame import framed
from proxy.grpc_health import LARGEST, is_serving, says_serving
from tests.proxy.middlewares.world import Pieces

SERVING = b"\x08\x01"
ODD = [b"\x08", b"\x08" + b"\xff" * 20, b"\x12\x09ab", b"\x19ab", b"\x0b", b"\x80"]
OTHER = [b"", framed(SERVING)[:-1], framed(SERVING) * 2, framed(SERVING, 1), bytes(LARGEST + 1)]


@pytest.mark.parametrize(
    ("message", "serving"),
    [
        (SERVING, True),
        (b"", False),  # UNKNOWN is 0, which is not written
        (b"\x08\x00", False),
        (b"\x08\x02", False),
        (b"\x08\x03", False),
        (b"\x08\x02\x08\x01", True),  # the last one counts
        (b"\x08\x81\x00", True),  # 1, with an octet more than it needs
        (b"\x12\x03abc\x08\x01\x19" + bytes(8) + b"\x25" + bytes(4), True),  # of a later version
        (b"\x10\x01", False),
    ],
)
def test_the_answer_is_read(message: bytes, serving: bool) -> None:
    assert says_serving(message) is serving


@pytest.mark.parametrize(
    "message", [b"\x08", b"\x08" + b"\xff" * 20, b"\x12\x09ab", b"\x19ab", b"\x0b", b"\x80"]
)
def test_a_malformed_answer_is_none(message: bytes) -> None:
    with pytest.raises(ValueError):
        says_serving(message)


@pytest.mark.parametrize(
    ("status", "content", "trailers", "serving"),
    [
        (200, framed(SERVING), (("grpc-status", "0"),), True),
        (200, framed(SERVING), (("grpc-status", "14"),), False),
        (200, framed(SERVING), (), False),
        (503, framed(SERVING), (("grpc-status", "0"),), False),
    ],
)
async def test_all_of_it_has_to_be_right(
    status: int, content: bytes, trailers: Fields, serving: bool
) -> None:
    body = Pieces(content[:3], content[3:])
    body.trailers = trailers
    assert await is_serving(status, (), body) is serving


async def test_a_refusal_in_the_head_is_one() -> None:
    assert not await is_serving(200, (("grpc-status", "12"),), b"")


@pytest.mark.parametrize(
    "content", [b"", framed(SERVING)[:-1], framed(SERVING) * 2, framed(SERVING, 1), bytes(LARGEST + 1)]
)
async def test_what_is_no_one_message_is_no_answer(content: bytes) -> None:
    body = Pieces(content) if content else Pieces()
    body.trailers = (("grpc-status", "0"),)
    with pytest.raises(ValueError):
        await is_serving(200, (), body)
