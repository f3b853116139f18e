"""The quick reader and the careful one, side by side: what the first takes, the second must say too."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.asked import MOST_ASKED, AskedMemo
from proxy.field_lines import LONGEST_LINE, MOST_LINES, LineMemo
from proxy.fields import MessageError
from proxy.head import scan_request
from proxy.headers import BadRequest, TrustedProxies, received, to_server
from proxy.model import Server, Service
from proxy.ordinary import UNKEPT, Reader
from proxy.receipt import Receipt
from proxy.writing import frame_request, write_request

PEER = ip_address("192.0.2.7")
SERVER = Server("app", "192.0.2.1", 8080)
SERVICE = Service("app", (SERVER,))


def carefully(block: bytes, tls: bool = False) -> tuple[object, ...] | None:
    try:
        scanned = scan_request(block)
        if scanned is None or scanned.size != len(block):
            return None
        head = received(scanned, peer=PEER, tls=tls, local_port=8000, trusted=TrustedProxies())
    except (MessageError, BadRequest):
        return None
    sent = frame_request(head.method, scanned.framing.length)
    written = write_request(head.method, head.target, to_server(head, SERVICE, SERVER), sent, host="x")
    scanned.fields = UNKEPT
    return scanned, head, head.path, str(head.client_ip), written


def reader_of(memo: LineMemo | None = None, tls: bool = False) -> Reader:
    return Reader(memo or LineMemo(), AskedMemo(tls, 8000), PEER)


def said(receipt: Receipt) -> tuple[object, ...]:
    return receipt.scanned, receipt.head, receipt.path, receipt.client, receipt.written


LINES = (
    "Host: a.test", "host: A.Test:8443", "Host: [::1]:80", "Host:", "Host: a.test.",
    "HOST: a..b", "Host: ä",
    "Accept: */*", "accept:*/*", "Accept : x", "X-Odd:  v \t",
    "Cookie: a=b; c=d", "Authorization: Basic eA==",
    "Content-Length: 5", "Content-Length: 5", "content-length: 007",
    "Content-Length: +5", "Content_Length: 5",
    "Transfer-Encoding: chunked", "transfer_encoding: chunked", "Connection: keep-alive",
    "Connection: Keep-Alive", "Connection: close", "Connection: X-Odd", "Connection: upgrade",
    "Upgrade: websocket", "Expect: 100-continue", "TE: trailers", "X-Forwarded-For: 6.6.6.6",
    "X_Forwarded_For: 6.6.6.6", "Forwarded: for=x", "Proxy: evil", "Remote-User: root", "Keep-Alive: 5",
    "Proxy-Authorization: x", "Proxy-Connection: close", "Referer: http://a.test/\xe9",
    "X-Bad: \x00", " folded",
    "X-CR: a\rb", "X-LF: a\nb", "NoColon", ": empty", "X-Empty:", "Trailer: X-Sum", "HTTP2-Settings: x",
    "X-Long: " + "y" * LONGEST_LINE, "User-Agent: \xff\xfe", "Content-Length: 0", "If-Match: \x7f",
)  # fmt: skip
STARTS = (
    "GET / HTTP/1.1", "GET /a/b?c=//%zz HTTP/1.1", "POST /x HTTP/1.1", "HEAD / HTTP/1.1", "GET / HTTP/1.0",
    "GET /../x HTTP/1.1", "GET //x HTTP/1.1", "GET /%41 HTTP/1.1", "GET /x#y HTTP/1.1", "get / HTTP/1.1",
    "GET  / HTTP/1.1", "GET http://a.test/ HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT a:1 HTTP/1.1", "GET /",
    "PROPFIND / HTTP/1.1", "GET /\xe9 HTTP/1.1", "GET /a\\b HTTP/1.1",
    "GET /a;b=.. HTTP/1.1", "GET ? HTTP/1.1",
    "\r\nGET / HTTP/1.1", "DELETE /x HTTP/1.1", "GET /\t HTTP/1.1", "GET /x/.y HTTP/1.1", "GET / HTTP/1.1 ",
)  # fmt: skip
starts = st.sampled_from(STARTS)
lines = st.lists(st.sampled_from(LINES), max_size=6).map(lambda some: ["Host: a.test", *some])
loose = st.lists(st.sampled_from(LINES), max_size=6)
noise = st.text(st.characters(max_codepoint=0xFF), max_size=12)


@given(starts, lines | loose, st.booleans())
def test_what_the_quick_reader_takes_the_careful_one_says_too(start, some, tls):
    block = "\r\n".join([start, *some, "", ""]).encode("latin-1")
    reader = reader_of(tls=tls)
    for _ in range(2):  # unknown lines, then known ones
        if (receipt := reader.read(block)) is not None:
            assert said(receipt) == carefully(block, tls)


@given(starts, st.lists(st.sampled_from(LINES) | noise, max_size=4), noise)
@example("GET / HTTP/1.1", [], "X: \r\n\r\nGET / HTTP/1.1\r\n")
def test_noise_means_the_same_to_both(start, some, last):
    block = "\r\n".join([start, "Host: a.test", *some, last, "", ""]).encode("latin-1")
    receipt = reader_of().read(block)
    assert receipt is None or said(receipt) == carefully(block)


ORDINARY = (
    b"GET /item/7?q=%2f HTTP/1.1\r\nHost: a.test\r\nUser-Agent: x\r\nCookie: a=1\r\nX-Odd: 1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: A.test:8080\r\nContent-Length: 12\r\nConnection: keep-alive\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 6.6.6.6\r\nProxy: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n",
)


@pytest.mark.parametrize("block", ORDINARY)
def test_ordinary_heads_are_taken(block):
    receipt = reader_of(tls=True).read(block)
    assert receipt is not None
    assert said(receipt) == carefully(block, tls=True)


def test_another_host_on_the_same_connection_is_another_host():
    reader = reader_of()
    for host in (b"a.test", b"b.test", b"a.test"):
        block = b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host
        receipt = reader.read(block)
        assert receipt is not None
        assert said(receipt) == carefully(block)


def test_many_hosts_in_turn_on_one_connection_are_each_their_own():
    reader = reader_of()
    for number in range(3 * MOST_ASKED):
        block = b"GET / HTTP/1.1\r\nHost: s%d.test\r\n\r\n" % (number % (MOST_ASKED + 3))
        receipt = reader.read(block)
        assert receipt is not None
        assert said(receipt) == carefully(block)


@pytest.mark.parametrize(("served", "kept"), [(3, MOST_ASKED), (4 * MOST_ASKED, 5 * MOST_ASKED)])
def test_a_listener_remembers_more_hosts_where_it_serves_more_and_never_without_end(served, kept):
    hosts = AskedMemo(tls=False, port=8000)
    hosts.expect(served)
    for number in range(kept):
        assert hosts.get(PEER, b"Host: s%d.test" % number)
    assert len(hosts.known) == kept
    assert hosts.get(PEER, b"Host: another.test")
    assert len(hosts.known) == 1


def test_secrets_and_long_lines_are_not_remembered():
    memo = LineMemo()
    secrets = b"Cookie: a=1\r\ncookie: b=1\r\nAuthorization: Basic eA==\r\nProxy-Authorization: x\r\n"
    long = b"X-Long: " + b"y" * LONGEST_LINE + b"\r\n"
    block = b"GET / HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n" + secrets + long + b"\r\n"
    assert reader_of(memo).read(block)
    assert set(memo.lines) == {b"Accept: */*"}


def test_the_memory_for_lines_is_bounded():
    memo = LineMemo()
    reader = reader_of(memo)
    for number in range(MOST_LINES * 2):
        assert reader.read(b"GET / HTTP/1.1\r\nHost: a.test\r\nReferer: /%d\r\n\r\n" % number)
        assert len(memo.lines) <= MOST_LINES


@given(st.lists(st.tuples(starts, lines), min_size=2, max_size=5))
@example(
    [("GET / HTTP/1.1", ["Host: a.test", "Host: a.test"][:1])] * 3
    + [("GET / HTTP/1.1", ["Host: a.test"] * 2)]
)
@example(
    [("POST / HTTP/1.1", ["Host: a.test", "Content-Length: 5"])] * 3
    + [("POST / HTTP/1.1", ["Host: a.test", "Content-Length: 5", "Content-Length: 6"])]
)
@example(
    [("GET / HTTP/1.1", ["Host: a.test", "Cookie: a"])] * 3
    + [("GET / HTTP/1.1", ["Host: a.test", "Cookie: a", "X: 1"])]
)
def test_what_the_heads_before_began_with_changes_nothing(heads):
    reader = reader_of()
    for start, some in heads:
        block = "\r\n".join([start, *some, "", ""]).encode("latin-1")
        if (receipt := reader.read(block)) is not None:
            assert said(receipt) == carefully(block)


usual = st.tuples(st.sampled_from(("Cookie", "Referer", "Accept", "If-Match", "Range")), noise).map(": ".join)
ends = st.lists(st.sampled_from(LINES) | noise | usual, max_size=3)


@given(st.lists(ends, min_size=1, max_size=4))
@example([["Cookie: a\rb"], ["Cookie: a\nb"], ["Cookie:a"], ["Cookie:  a"], ["Cookie: a\t"], ["Cookie: "]])
@example([["Cookie: a\r\r\nReferer: b"], ["Cookie: \x00"], ["Cookie: a\r\n\r\nReferer: b"]])
def test_what_comes_after_a_known_beginning_is_read_as_ever(some):
    reader = reader_of()
    for number, end in enumerate([["X: 0"], ["X: 1"], *some]):
        lines = ["GET / HTTP/1.1", "Host: a.test", "Accept: */*", *end, "", ""]
        block = "\r\n".join(lines).encode("latin-1")
        receipt = reader.read(block)
        assert receipt is not None or number > 1
        if receipt is not None:
            assert said(receipt) == carefully(block)


def test_a_head_that_begins_as_the_one_before_is_not_read_whole():
    memo = LineMemo()
    reader = reader_of(memo)

    def read(*more: str) -> Receipt | None:
        return reader.read(
            "\r\n".join(["GET / HTTP/1.1", "Host: a.test", "Accept: */*", *more, "", ""]).encode()
        )

    for number in range(3):
        assert read(f"X-Number: {number}") is not None
    memo.lines.clear()
    assert read("X-Number: 3") is not None
    assert not memo.lines  # only that line was read, and what comes after the stem is not remembered
