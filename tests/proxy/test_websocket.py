"""Frame boundaries are found, however the frames are cut."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.websocket import Frames, close_frame


def frame(payload: bytes, opcode: int = 2, mask: bytes = b"", fin: bool = True) -> bytes:
    first = (0x80 if fin else 0) | opcode
    masked = 0x80 if mask else 0
    if len(payload) < 126:
        head = struct.pack("!BB", first, masked | len(payload))
    elif len(payload) < 65536:
        head = struct.pack("!BBH", first, masked | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, masked | 127, len(payload))
    return head + mask + payload


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
@pytest.mark.parametrize("mask", [b"", b"\x01\x02\x03\x04"])
def test_a_frame_of_any_size_ends_where_it_ends(size, mask):
    raw = frame(b"\x81" * size, mask=mask)
    frames = Frames()
    frames.feed(raw[:-1])
    assert not frames.between
    frames.feed(raw[-1:])
    assert frames.between
    assert frames.skip(raw + b"behind") == len(raw)


@pytest.mark.parametrize("mask", [b"", b"abcd"])
@pytest.mark.parametrize("size", [0, 3, 130])
def test_a_frame_cut_anywhere_is_followed(size, mask):
    raw = frame(b"x" * size, mask=mask)
    for cut in range(1, len(raw)):
        frames = Frames()
        frames.feed(raw[:cut])
        assert not frames.between, cut
        assert frames.skip(raw[cut:] + raw) == len(raw) - cut
        assert frames.between


FRAMES = st.lists(
    st.builds(
        frame,
        st.one_of(st.binary(max_size=20), st.integers(120, 400).map(bytes)),
        st.sampled_from([0, 1, 2, 9, 10]),
        st.sampled_from([b"", b"mask"]),
        st.booleans(),
    ),
    max_size=6,
)


@given(FRAMES, st.lists(st.integers(0, 2000), max_size=12))
def test_boundaries_do_not_depend_on_where_the_stream_is_cut(sent, cuts):
    raw = b"".join(sent)
    ends = {0}
    for each in sent:
        ends.add(max(ends) + len(each))
    frames = Frames()
    at = 0
    for cut in [*sorted(cut for cut in cuts if cut < len(raw)), len(raw)]:
        frames.feed(raw[at:cut])
        at = cut
        assert frames.between is (at in ends)
    assert not frames.closed


@given(st.binary(max_size=200))
def test_any_bytes_are_followed(raw):
    whole, bytewise = Frames(), Frames()
    whole.feed(raw)
    for octet in raw:
        bytewise.feed(bytes((octet,)))
    assert (whole.between, whole.closed) == (bytewise.between, bytewise.closed)


def test_a_close_frame_is_noticed_as_soon_as_its_header_is_here():
    frames = Frames()
    frames.feed(frame(b"hello") + frame(b"\x03\xe8bye", opcode=8)[:3])
    assert frames.closed
    assert not frames.between


@pytest.mark.parametrize(
    ("mask", "raw"),
    [
        (b"", b"\x88\x02\x03\xe9"),
        (b"\x00\x00\x00\x00", b"\x88\x82\x00\x00\x00\x00\x03\xe9"),
        (b"\xff\x0f\x00\xf0", b"\x88\x82\xff\x0f\x00\xf0\xfc\xe6"),
    ],
)
def test_a_close_frame_says_going_away(mask, raw):
    assert close_frame(1001, mask) == raw
    frames = Frames()
    frames.feed(raw)
    assert frames.between
    assert frames.closed
