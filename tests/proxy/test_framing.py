"""Content is found exactly, however its bytes arrive, and malformed framing is refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.exchange import Fields
from proxy.framing import (
    CHUNKED,
    NO_BODY,
    UNTIL_CLOSE,
    BadBody,
    BodyReader,
    ChunkReader,
    Framing,
    reader_of,
    write_chunk,
    write_last_chunk,
)
from tests.proxy.corpus.chunked_bodies import BAD, GOOD, UNFINISHED


def read(reader: BodyReader, pieces: list[bytes]) -> tuple[bytes, Fields, bytes, bool]:
    """Content, trailers, surplus and whether it ended; pieces after the end are surplus."""
    content = b""
    behind = b""
    for piece in pieces:
        if reader.done:
            behind += piece
        else:
            content += reader.feed(piece)
    return content, reader.trailers, reader.surplus + behind, reader.done


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize("cut", [lambda data: [data], bytewise], ids=["whole", "octet by octet"])
@pytest.mark.parametrize("name", GOOD)
def test_chunked_content_is_read(name, cut):
    raw, content, trailers, behind = GOOD[name]
    assert read(ChunkReader(), cut(raw)) == (content, trailers, behind, True)


@pytest.mark.parametrize("cut", [lambda data: [data], bytewise], ids=["whole", "octet by octet"])
@pytest.mark.parametrize("name", BAD)
def test_malformed_chunks_are_refused(name, cut):
    with pytest.raises(BadBody):
        read(ChunkReader(), cut(BAD[name]))


@pytest.mark.parametrize("cut", [lambda data: [data], bytewise], ids=["whole", "octet by octet"])
@pytest.mark.parametrize("name", UNFINISHED)
def test_unfinished_chunks_are_not_an_end(name, cut):
    reader = ChunkReader()
    read(reader, cut(UNFINISHED[name]))
    assert not reader.done
    assert not reader.end()


@pytest.mark.parametrize(
    ("length", "pieces", "content", "behind", "done"),
    [
        (0, [], b"", b"", True),
        (0, [b"x"], b"", b"x", True),
        (3, [b"abc"], b"abc", b"", True),
        (3, [b"a", b"bc"], b"abc", b"", True),
        (3, [b"a", b"bcd"], b"abc", b"d", True),
        (3, [b"abcdef"], b"abc", b"def", True),
        (3, [b"ab"], b"ab", b"", False),
        (3, [], b"", b"", False),
    ],
)
def test_content_of_a_known_length(length, pieces, content, behind, done):
    reader = reader_of(Framing("length", length))
    assert read(reader, pieces) == (content, (), behind, done)
    assert reader.end() is done


def test_no_body_is_over_before_it_begins():
    assert reader_of(NO_BODY).done


def test_content_until_the_close_ends_with_it():
    reader = reader_of(UNTIL_CLOSE)
    assert read(reader, [b"a", b"b"]) == (b"ab", (), b"", False)
    assert reader.end()
    assert reader.done


@given(
    st.lists(st.binary(max_size=40), max_size=8),
    st.lists(st.integers(0, 400), max_size=12),
    st.sampled_from([(), (("X-Sum", "1"),)]),
)
def test_what_is_written_in_chunks_is_read_back_however_it_is_cut(chunks, cuts, trailers):
    raw = b"".join(map(write_chunk, chunks)) + write_last_chunk(trailers) + b"behind"
    edges = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    pieces = [raw[a:b] for a, b in pairwise(edges)]
    assert read(reader_of(CHUNKED), pieces) == (b"".join(chunks), trailers, b"behind", True)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_with_one_exception(raw):
    try:
        read(ChunkReader(), bytewise(raw))
    except BadBody as bad:
        assert bad.reason


@given(st.sampled_from([raw for raw, *_ in GOOD.values()] + list(BAD.values())), st.data())
def test_where_chunks_are_cut_does_not_change_what_they_mean(raw, data):
    cut = data.draw(st.integers(0, min(len(raw), 600)))

    def outcome(pieces: list[bytes]) -> object:
        try:
            return read(ChunkReader(), pieces)
        except BadBody:
            return "refused"

    assert outcome([raw[:cut], raw[cut:]]) == outcome([raw])


def test_an_empty_piece_does_not_end_the_message():
    assert write_chunk(b"") == b""


@pytest.mark.parametrize(
    "trailer", [("X\r\nY", "a"), ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\0"), ("", "a")]
)
def test_a_malformed_trailer_is_never_written(trailer):
    with pytest.raises(ValueError, match=r"field name|line break|control"):
        write_last_chunk((trailer,))


def test_a_forbidden_trailer_is_never_written():
    assert write_last_chunk((("Content-Length", "5"), ("X-Sum", "1"))) == b"0\r\nX-Sum: 1\r\n\r\n"


@pytest.mark.parametrize("line", [b"1\r\nz\r\n", b"1;a=b\r\nz\r\n", b"01\r\nz\r\n"])
def test_chunks_of_one_octet_are_read_alike_however_they_arrive(line):
    data = line * 300 + b"0\r\n\r\n"
    for size in (1, 2, 7, 64, len(data)):
        reader = ChunkReader()
        pieces = [reader.feed(data[at : at + size]) for at in range(0, len(data), size)]
        assert (b"".join(pieces), reader.done, reader.surplus) == (b"z" * 300, True, b"")


@pytest.mark.parametrize("body", [b"\n", b"\n0\r\n\r\n", b"\r\n0\r\n\r\n"])
def test_a_line_end_before_the_first_size_is_malformed(body):
    with pytest.raises(BadBody):
        reader_of(CHUNKED).feed(body)
