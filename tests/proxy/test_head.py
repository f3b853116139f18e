"""A head is read in one way only or refused; what we accept, aiohttp's C parser reads alike."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.exchange import Fields
from proxy.fields import members
from proxy.framing import CHUNKED, NO_BODY, Framing
from proxy.head import BadHead, HeadLimits, ScannedRequest, scan_request, scan_response
from tests.proxy.corpus import request_heads, response_heads


def scanned(raw: bytes) -> ScannedRequest:
    head = scan_request(raw)
    assert head is not None
    return head


def get(*lines: str, version: str = "1.1") -> ScannedRequest:
    return scanned("\r\n".join((f"GET / HTTP/{version}", "Host: a.test", *lines, "", "")).encode("latin-1"))


@pytest.mark.parametrize("name", request_heads.GOOD)
def test_a_good_head_passes(name):
    raw = request_heads.GOOD[name]
    head = scanned(raw)
    end = raw.index(b"\r\n\r\n", 2) + 4
    assert head.size == end
    lines = raw[:end].removeprefix(b"\r\n").decode("latin-1").split("\r\n")
    assert lines[0] == f"{head.method} {head.target} HTTP/1.{0 if head.http10 else 1}"
    # Every octet of every value is kept, in its order, but for white space around it.
    assert [f"{name}:{value}" for name, value in head.fields] == [
        f"{line.partition(':')[0]}:{line.partition(':')[2].strip(' ' + chr(9))}" for line in lines[1:-2]
    ]


@pytest.mark.parametrize("name", request_heads.BAD)
def test_a_bad_head_is_refused_with_its_status(name):
    status, raw = request_heads.BAD[name]
    with pytest.raises(BadHead) as refused:
        scan_request(raw)
    assert refused.value.status == status
    assert refused.value.reason


@pytest.mark.parametrize("name", response_heads.GOOD)
def test_a_good_response_passes(name):
    answer = response_heads.GOOD[name]
    head = scan_response(answer.head, answer.method)
    assert head is not None
    assert (head.framing, head.keep_alive, head.size) == (answer.framing, answer.reusable, len(answer.head))


@pytest.mark.parametrize("name", response_heads.BAD)
def test_a_bad_response_is_refused(name):
    with pytest.raises(BadHead) as refused:
        scan_response(response_heads.BAD[name], "GET")
    assert refused.value.status == 502


@pytest.mark.parametrize("name", request_heads.GOOD)
def test_a_good_head_that_is_not_whole_is_awaited(name):
    raw = request_heads.GOOD[name]
    end = raw.index(b"\r\n\r\n", 2) + 3
    for cut in range(0, end, max(1, end // 300)):
        assert scan_request(raw[:cut]) is None, raw[:cut]
    assert scan_request(raw[:end]) is None


@pytest.mark.parametrize("name", request_heads.BAD)
def test_a_bad_head_is_never_accepted_while_it_arrives(name):
    status, raw = request_heads.BAD[name]
    seen = 0
    with pytest.raises(BadHead) as refused:
        for arrived in range(1, len(raw) + 1):
            if raw[arrived - 1] in b"\r\n\0" or arrived % 64 == 0 or arrived == len(raw):
                assert scan_request(raw[:arrived], seen=seen) is None
                seen = arrived
    assert refused.value.status == status


def outcome(raw: bytes, cuts: list[int]) -> object:
    """What a connection gets that scans after each piece."""
    seen = 0
    for end in [*sorted(cuts), len(raw)]:
        try:
            head = scan_request(bytearray(raw[:end]), seen=seen)
        except BadHead as bad:
            return bad.status
        if head is not None:
            return head
        seen = end
    return None


RAW = st.sampled_from([*request_heads.GOOD.values(), *(raw for _, raw in request_heads.BAD.values())])


@given(RAW, st.data())
def test_where_a_head_is_cut_does_not_change_what_it_means(raw, data):
    cuts = data.draw(st.lists(st.integers(0, min(len(raw), 2000)), max_size=6))
    assert outcome(raw, cuts) == outcome(raw, [])


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_with_one_exception(raw):
    for scan in (scan_request, lambda data: scan_response(data, "GET")):
        try:
            scan(raw + b"\r\n\r\n")
        except BadHead as bad:
            assert 400 <= bad.status < 600


@pytest.mark.parametrize(
    ("lines", "version", "keeps"),
    [
        ((), "1.1", True),
        (("Connection: close",), "1.1", False),
        (("Connection: Close",), "1.1", False),
        (("Connection: foo, close",), "1.1", False),
        (("Connection: foo", "Connection: close"), "1.1", False),
        (("Connection: keep-alive, close",), "1.1", False),
        (("Connection: keep-alive",), "1.1", True),
        ((), "1.0", False),
        (("Connection: keep-alive",), "1.0", True),
        (("Connection: keep-alive, close",), "1.0", False),
        (("Proxy-Connection: keep-alive",), "1.0", False),
    ],
)
def test_how_long_a_connection_is_kept(lines, version, keeps):
    assert get(*lines, version=version).keep_alive is keeps


@pytest.mark.parametrize(
    ("lines", "version", "upgrade"),
    [
        (("Connection: Upgrade", "Upgrade: websocket"), "1.1", "websocket"),
        (("Connection: keep-alive, upgrade", "Upgrade: WebSocket"), "1.1", "WebSocket"),
        (("Connection: upgrade", "Upgrade: SPDY/3.1"), "1.1", "SPDY/3.1"),
        (("Connection: upgrade", "Upgrade: websocket", "Content-Length: 0"), "1.1", "websocket"),
        (("Upgrade: websocket",), "1.1", ""),  # RFC 9110 7.8: Connection has to name it
        (("Connection: upgrade",), "1.1", ""),
        (("Connection: upgrade", "Upgrade:"), "1.1", ""),
        (("Connection: upgrade", "Upgrade: websocket"), "1.0", ""),  # RFC 9110 7.8: ignored in HTTP/1.0
        (("Connection: upgrade", "Upgrade: websocket", "Content-Length: 5"), "1.1", ""),
        (("Connection: upgrade", "Upgrade: websocket", "Transfer-Encoding: chunked"), "1.1", ""),
        (("Connection: upgrade", "Upgrade: h2c"), "1.1", ""),
        (("Connection: Upgrade, HTTP2-Settings", "Upgrade: H2C", "HTTP2-Settings: AA"), "1.1", ""),
        (("Connection: upgrade", "Upgrade: HTTP/2.0"), "1.1", ""),
        (("Connection: upgrade", "Upgrade: TLS/1.0"), "1.1", ""),
        (("Connection: upgrade", "Upgrade: websocket, h2c"), "1.1", ""),
        (("Connection: upgrade", "Upgrade: websocket", "Upgrade: h2c"), "1.1", ""),
        (("Connection: upgrade", "Upgrade: web socket"), "1.1", ""),
    ],
)
def test_which_upgrade_may_be_granted(lines, version, upgrade):
    assert get(*lines, version=version).upgrade == upgrade


@pytest.mark.parametrize(
    ("lines", "version", "expects"),
    [
        (("Expect: 100-continue", "Content-Length: 5"), "1.1", True),
        (("Expect: 100-Continue", "Transfer-Encoding: chunked"), "1.1", True),
        (("Expect: 100-continue", "Content-Length: 5"), "1.0", False),
        (("Expect: 100-continue",), "1.1", False),
        (("Expect: 100-continue", "Content-Length: 0"), "1.1", False),
        (("Expect: something", "Content-Length: 5"), "1.1", False),
        (("Content-Length: 5",), "1.1", False),
    ],
)
def test_who_waits_for_an_invitation(lines, version, expects):
    assert get(*lines, version=version).expects_continue is expects


def test_the_fields_that_connection_names_are_known():
    assert get("Connection: X-A,  ,close", "connection: TE").connection == ("x-a", "close", "te")


@pytest.mark.parametrize(
    ("lines", "asked", "granted"),
    [
        ("Connection: upgrade\r\nUpgrade: websocket\r\n", "websocket", "websocket"),
        ("Connection: Upgrade\r\nUpgrade: WebSocket\r\n", "websocket", "WebSocket"),
        ("Connection: upgrade\r\nUpgrade: websocket\r\n", "", None),
        ("Connection: upgrade\r\nUpgrade: other\r\n", "websocket", None),
        ("Upgrade: websocket\r\n", "websocket", None),
        ("Connection: upgrade\r\n", "websocket", None),
        ("", "websocket", None),
        ("Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n", "websocket", None),
        ("Connection: upgrade\r\nUpgrade: h2c\r\n", "h2c", None),
    ],
)
def test_a_server_switches_only_to_what_was_asked_for(lines, asked, granted):
    raw = f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode()
    if granted is None:
        with pytest.raises(BadHead):
            scan_response(raw, "GET", asked)
    else:
        head = scan_response(raw, "GET", asked)
        assert head is not None
        assert (head.status, head.upgrade) == (101, granted)


def test_a_response_is_awaited_while_its_beginning_is_right():
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert [cut for cut in range(len(raw)) if scan_response(raw[:cut], "GET")] == []


def test_limits_are_arguments():
    raw = b"GET /1234 HTTP/1.1\r\nHost: a.test\r\nA: b\r\n\r\n"
    for limits, status in [
        (HeadLimits(request_line=17), 414),
        (HeadLimits(head=20), 431),
        (HeadLimits(fields=1), 431),
    ]:
        with pytest.raises(BadHead) as refused:
            scan_request(raw, limits)
        assert refused.value.status == status
    assert scan_request(raw, HeadLimits(request_line=18, head=len(raw), fields=2))


# Against the parser that reads behind us


def read_by_aiohttp(raw: bytes) -> tuple[str, str, tuple[int, int], Fields, Framing, bool]:
    loop = asyncio.new_event_loop()
    try:
        parser = HttpRequestParser(
            asyncio.Protocol(), loop, 2**16, max_line_size=2**16, max_field_size=2**17, max_headers=1000
        )
        messages, _, _ = parser.feed_data(raw)
        message = messages[0][0]
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in message.raw_headers
        )
        framing = NO_BODY
        if message.chunked:
            framing = CHUNKED
        elif length := message.headers.get("Content-Length"):
            framing = Framing("length", int(length))
        return message.method, message.path, tuple(message.version), headers, framing, message.should_close
    finally:
        loop.close()


# aiohttp refuses these; we hand it nothing but heads of our own making, and apps get them as they came.
AIOHTTP_REFUSES = {
    "a method of odd token characters",
    "a method in lower case",
}


@pytest.mark.parametrize("name", request_heads.GOOD)
def test_what_we_accept_means_the_same_to_aiohttp(name):
    raw = request_heads.GOOD[name]
    head = scanned(raw)
    try:
        method, target, version, fields, framing, closes = read_by_aiohttp(raw[: head.size])
    except HttpProcessingError:
        assert name in AIOHTTP_REFUSES
        return
    assert (method, target, version) == (head.method, head.target, (1, 0 if head.http10 else 1))
    assert fields == head.fields
    assert framing == head.framing
    assert closes is not head.keep_alive


def test_the_comparison_is_with_the_c_parser():
    assert HttpRequestParser is not HttpRequestParserPy


PIECES = [
    "GET", "POST", " ", "  ", "\t", "/", "/a", "*", "http://a.test/", "HTTP/1.1", "HTTP/1.0", "\r\n", "\n",
    "\r", "Host: a.test", "Host", ":", "Content-Length: 5", "Content-Length: 05", "Content-Length:", "5", ",",
    ";", "Transfer-Encoding: chunked", "Transfer-Encoding:", "chunked", "Connection: close",
    "Connection: keep-alive",
    "X: \xe9", "\x0b", "\0", "\x85", "\xa0", "X-A: b", "Upgrade: x", "Expect: 100-continue",
]  # fmt: skip


@settings(max_examples=1500)
@given(
    st.sampled_from(["GET / HTTP/1.1", "POST /a HTTP/1.1", "GET / HTTP/1.0"]),
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.sampled_from(["\r\nHost: a.test\r\n\r\n", "\r\n\r\n"]),
)
def test_whatever_we_accept_means_the_same_to_aiohttp(start, middle, end):
    raw = (start + "\r\n" + middle + end).encode("latin-1")
    try:
        head = scan_request(raw)
    except BadHead:
        return
    if head is None:
        return
    try:
        method, target, _, fields, framing, closes = read_by_aiohttp(raw[: head.size])
    except BadHttpMessage:
        return  # it may forgive less than we do (a tab behind "chunked"), never read something else
    assert (method, target, fields) == (head.method, head.target, head.fields)
    assert framing == head.framing
    # llhttp knows one option where there are several; it closes more often, never less.
    # Of "close" and "keep-alive" together the first counts to us (RFC 9112 9.3), not to all.
    assert closes or head.keep_alive or {"close", "keep-alive"} <= set(head.connection)


@given(st.text(st.characters(max_codepoint=0xFF), max_size=20))
def test_members_never_holds_an_empty_one(text):
    assert all(member == member.strip(" \t") and member for member in members(text))
