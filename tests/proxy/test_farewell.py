from __future__ import annotations

import pytest
from hyperframe.frame import DataFrame, GoAwayFrame, PingFrame, SettingsFrame

from proxy.exchange import UpstreamError
from proxy.farewell import Farewell, Sieve

HELLO = SettingsFrame(0).serialize()
CONTENT = DataFrame(1, b"hello").serialize()
LEAVING = GoAwayFrame(last_stream_id=5, error_code=2, additional_data=b"why").serialize()
PING = PingFrame(0, b"12345678").serialize()


@pytest.mark.parametrize("size", [1, 2, 9, 10, 17, 1000])
def test_only_farewells_are_taken_out_whatever_the_pieces(size: int) -> None:
    sieve, passed, farewells = Sieve(), b"", []
    data = HELLO + LEAVING + CONTENT + PING + LEAVING + CONTENT
    for start in range(0, len(data), size):
        for each in sieve.sift(data[start : start + size]):
            if isinstance(each, Farewell):
                farewells.append((each, len(passed)))
            else:
                passed += each
    assert passed == HELLO + CONTENT + PING + CONTENT
    places = [len(HELLO), len(HELLO + CONTENT + PING)]
    assert farewells == [(Farewell(5, 2), place) for place in places]


@pytest.mark.parametrize(
    "malformed",
    [b"\0\0\4\7\0\0\0\0\0" + bytes(4), b"\0\0\x08\7\0\0\0\0\1" + bytes(8)],
    ids=["too short", "of a stream"],
)
def test_a_malformed_farewell_is_left_to_who_complains(malformed: bytes) -> None:
    assert b"".join(Sieve().sift(HELLO + malformed)) == HELLO + malformed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "octets",
    [b"HTTP/1.1 400 Bad Request\r\n", PING, HELLO + b"\xff\xff\xff\0\0\0\0\0\1"],
    ids=["HTTP/1.1", "no settings first", "a frame that is too large"],
)
def test_what_cannot_be_http2_is_not_waited_for(octets: bytes) -> None:
    with pytest.raises(UpstreamError):
        Sieve().sift(octets)
