"""Corpus of apps: what they do after a request, well or badly, and what the client may see of it.

The upstream side's own table and the tables of heads and chunks are all played here once more, from a
client's socket to an app's.
"""

from __future__ import annotations

from proxy.exchange import TimedOut, Truncated, UpstreamError
from tests.proxy.corpus import chunked_bodies, response_heads, upstream_behaviours
from tests.proxy.corpus.upstream_behaviours import CHUNKED, HELLO, OK, POISON, Behaviour
from tests.proxy.scripted_server import Step

LARGE = 2_000_000
REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge"


def _interim(status: int, lines: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d Wait\r\n" % status + lines + b"\r\n"


MORE: dict[str, Behaviour] = {
    "a head of 60 KiB": Behaviour(
        ["ask", OK + b"X: %b\r\nContent-Length: 5\r\n\r\nhello" % (b"x" * 60_000)], b"hello"
    ),
    "199 fields": Behaviour(["ask", OK + b"X: y\r\n" * 199 + b"Content-Length: 5\r\n\r\nhello"], b"hello"),
    "8-bit octets": Behaviour(["ask", OK + b"X: caf\xe9\xff\r\nContent-Length: 5\r\n\r\nhello"], b"hello"),
    "a tab in a value": Behaviour(["ask", OK + b"X: a\tb\r\nContent-Length: 5\r\n\r\nhello"], b"hello"),
    "a reason of 8-bit octets": Behaviour(
        ["ask", b"HTTP/1.1 200 tr\xe8s\r\nContent-Length: 5\r\n\r\nhello"], b"hello"
    ),
    "Connection names Set-Cookie": Behaviour(
        ["ask", OK + b"Connection: set-cookie\r\nSet-Cookie: a\r\nContent-Length: 5\r\n\r\nhello"], b"hello"
    ),
    "Connection names the length": Behaviour(
        ["ask", OK + b"Connection: content-length\r\nContent-Length: 5\r\n\r\nhello"], b"hello"
    ),
    "Connection names the coding": Behaviour(
        [
            "ask",
            OK
            + b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ],
        b"hello",
    ),
    "hop-by-hop fields": Behaviour(
        [
            "ask",
            OK + b"Keep-Alive: timeout=9\r\nTE: a\r\nUpgrade: h2\r\nProxy-Connection: x\r\n"
            b"Content-Length: 5\r\n\r\nhello",
        ],
        b"hello",
    ),
    "a length that looks like another field's": Behaviour(
        ["ask", OK + b"X-Content-Length: 9\r\nContent-Length: 5\r\n\r\nhello"], b"hello"
    ),
    "three kinds of interims": Behaviour(
        ["ask", _interim(100) + _interim(102) + _interim(103, b"Link: </a>\r\n") + HELLO],
        b"hello",
        interims=(100, 102, 103),
    ),
    "an interim with a length and bytes": Behaviour(
        ["ask", _interim(103, b"Content-Length: 5\r\n") + b"hello" + HELLO], UpstreamError
    ),
    "interims, slowly, for ever": Behaviour(
        ["ask", *[step for _ in range(20) for step in (_interim(102), "tick")], "hang"], TimedOut
    ),
    "101 after an interim": Behaviour(
        ["ask", _interim(103) + b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"],
        UpstreamError,
    ),
    "101 without a protocol": Behaviour(["ask", b"HTTP/1.1 101 S\r\n\r\n"], UpstreamError),
    "101 and an answer": Behaviour(
        ["ask", b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + HELLO], UpstreamError
    ),
    "half a status line, then the reset": Behaviour(["ask", b"HTT", "tick", "reset"], UpstreamError),
    "a status line and nothing": Behaviour(["ask", b"HTTP/1.1 200 OK\r\n", "hang"], TimedOut),
    "a head, slowly, for ever": Behaviour(
        ["ask", OK, *[step for _ in range(30) for step in (b"A: b\r\n", "tick")], "hang"], TimedOut
    ),
    "an interim, then the reset": Behaviour(["ask", _interim(100), "tick", "reset"], UpstreamError),
    "the preface of HTTP/2": Behaviour(["ask", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], UpstreamError),
    "a request": Behaviour(["ask", b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"], UpstreamError),
    "SIP": Behaviour(["ask", b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"], UpstreamError),
    "RTSP": Behaviour(["ask", b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"], UpstreamError),
    "a BOM first": Behaviour(["ask", b"\xef\xbb\xbf" + HELLO], UpstreamError),
    "a space first": Behaviour(["ask", b" " + HELLO], UpstreamError),
    "only CR LF": Behaviour(["ask", b"\r\n\r\n"], UpstreamError),
    "zeros": Behaviour(["ask", b"\0" * 100_000], UpstreamError),
    "a megabyte of junk": Behaviour(["ask", b"junk" * 250_000], UpstreamError),
    "a head and a megabyte of fields": Behaviour(["ask", OK + b"X: y\r\n" * 170_000, "hang"], UpstreamError),
    "205 with content": Behaviour(
        ["ask", b"HTTP/1.1 205 Reset\r\nContent-Length: 5\r\n\r\nhello"], b"hello", status=205
    ),
    "204 and chunks": Behaviour(
        ["ask", b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
        b"",
        False,
        204,
    ),
    "204 and its content": Behaviour(
        ["ask", b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello"], b"", False, 204
    ),
    "304 and its content": Behaviour(
        ["ask", b"HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", "tick", b"hello"], b"", False, 304
    ),
    "HEAD without an end": Behaviour(["ask", OK + b"\r\n"], b"", method="HEAD"),
    "HEAD and chunks": Behaviour(
        ["ask", CHUNKED, "tick", b"5\r\nhello\r\n0\r\n\r\n"], b"", False, method="HEAD"
    ),
    "more than its length": Behaviour(
        ["ask", OK + b"Content-Length: 5\r\n\r\nhello" + b"!" * 100_000], b"hello", False
    ),
    "half another answer": Behaviour(["ask", HELLO + POISON[:20]], b"hello", False),
    "bytes behind the last chunk": Behaviour(["ask", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n!"], b"hello", False),
    "an interim behind the answer": Behaviour(["ask", HELLO + _interim(103)], b"hello", False),
    "close, and stays": Behaviour(
        ["ask", OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", "hang"], b"hello", False
    ),
    "close, and another answer": Behaviour(
        ["ask", OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello" + POISON], b"hello", False
    ),
    "HTTP/1.0 without a length, reset": Behaviour(
        ["ask", b"HTTP/1.0 200 OK\r\n\r\nhello", "tick", "reset"], Truncated
    ),
    "a large answer, cut": Behaviour(
        ["ask", OK + b"Content-Length: 3000000\r\n\r\n" + b"x" * 1_000_000, "close"], Truncated
    ),
    "a large answer in chunks, cut": Behaviour(
        ["ask", CHUNKED + b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n", "close"], Truncated
    ),
    "a large answer, reset": Behaviour(
        ["ask", OK + b"Content-Length: 3000000\r\n\r\n" + b"x" * 1_000_000, "tick", "reset"], Truncated
    ),
    "chunks of one octet": Behaviour(["ask", CHUNKED + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"], b"x" * 20_000),
}

BEHAVIOURS: dict[str, Behaviour] = {
    **upstream_behaviours.GOOD,
    **upstream_behaviours.BAD,
    **upstream_behaviours.SURPLUS,
    **{f"head: {name}": Behaviour(["ask", raw], UpstreamError) for name, raw in response_heads.BAD.items()},
    **{
        f"chunks: {name}": Behaviour(["ask", CHUNKED, "tick", raw], Truncated)
        for name, raw in chunked_bodies.BAD.items()
    },
    **{
        f"chunks at once: {name}": Behaviour(["ask", CHUNKED + raw], Truncated)
        for name, raw in chunked_bodies.BAD.items()
    },
    **{
        f"chunks: {name}": Behaviour(["ask", CHUNKED + raw], content, not surplus)
        for name, (raw, content, _, surplus) in chunked_bodies.GOOD.items()
    },
    **{
        f"chunks, then the end: {name}": Behaviour(["ask", CHUNKED + raw, "close"], Truncated)
        for name, raw in chunked_bodies.UNFINISHED.items()
        if isinstance(raw, bytes)
    },
    **MORE,
}

EARLY: dict[str, tuple[list[Step], int]] = {
    "413, and closes": (["ask", REFUSAL, "close"], 413),
    "413, and resets": (["ask", REFUSAL, "tick", "reset"], 413),
    "413, and reads on": (["ask", REFUSAL, "hang"], 413),
    "413, and is deaf": (["ask", REFUSAL, "deaf"], 413),
    "413 to be kept, and reads on": (["ask", REFUSAL.replace(b"close", b"keep-alive"), "hang"], 413),
    "an answer, and the whole request": (["ask", HELLO, "body"], 200),
    "an answer in chunks, and closes": (["ask", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", "close"], 200),
    "another answer when all is read": (["ask", HELLO, "body", POISON], 200),
    "closes without an answer": (["ask", "close"], 502),
    "resets without an answer": (["ask", "reset"], 502),
    "ends its direction, and reads on": (["ask", "eof", "hang"], 502),
    "is deaf": (["ask", "deaf"], 504),
    "junk": (["ask", b"junk!!!!!\r\n\r\n", "hang"], 502),
    "an interim, and closes": (["ask", _interim(100), "close"], 502),
    "417": (["ask", b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", "close"], 417),
}
"""What an app says to a request of `LARGE` octets before it has read them."""
