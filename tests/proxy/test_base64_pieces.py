from __future__ import annotations

from base64 import b64encode

import pytest

from proxy.base64_pieces import Decoder, NotBase64

PORTIONS = (b"", b"a", b"ab", b"abc", b"hello world", bytes(range(256)))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 1000])
def test_portions_are_undone_whatever_the_pieces(size: int) -> None:
    text = b"".join(b64encode(each) for each in PORTIONS)
    decoder, found = Decoder(), b""
    for start in range(0, len(text), size):
        found += decoder.feed(text[start : start + size])
    decoder.end()
    assert found == b"".join(PORTIONS)


def test_lines_may_be_broken() -> None:
    assert Decoder().feed(b"aGVs\r\nbG8=\n") == b"hello"


@pytest.mark.parametrize("text", [b"a===", b"====", b"=abc", b"ab=c", b"a b=", b"aGV-", b"aGV\0", b"aGV\xff"])
def test_other_characters_are_refused(text: bytes) -> None:
    with pytest.raises(NotBase64):
        Decoder().feed(text)


@pytest.mark.parametrize("text", [b"a", b"aGV", b"aGVsb"])
def test_an_end_that_is_missing_is_noticed(text: bytes) -> None:
    decoder = Decoder()
    decoder.feed(text)
    with pytest.raises(NotBase64):
        decoder.end()
