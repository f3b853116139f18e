"""What servers do after a request: well, badly, or nothing.  Literal bytes, and what must come of them."""

from __future__ import annotations

from typing import NamedTuple

from proxy.exchange import Fields, TimedOut, Truncated, UpstreamError
from tests.proxy.scripted_server import Script

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


class Behaviour(NamedTuple):
    """`outcome` is the content, or the error that asking or reading ends with."""

    script: Script
    outcome: bytes | type[UpstreamError]
    reused: bool = True
    status: int = 200
    method: str = "GET"
    trailers: Fields = ()
    interims: tuple[int, ...] = ()


def _split(data: bytes, size: int = 1) -> list[bytes | str]:
    steps: list[bytes | str] = []
    for at in range(0, len(data), size):
        steps += [data[at : at + size], "tick"]
    return steps


GOOD: dict[str, Behaviour] = {
    "a length": Behaviour(["ask", HELLO], b"hello"),
    "a length of 0": Behaviour(["ask", OK + b"Content-Length: 0\r\n\r\n"], b""),
    "head and content apart": Behaviour(["ask", HELLO[:-5], "tick", b"hello"], b"hello"),
    "octet by octet": Behaviour(["ask", *_split(HELLO)], b"hello"),
    "chunked": Behaviour(["ask", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"], b"hello"),
    "chunked, octet by octet": Behaviour(["ask", *_split(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n")], b"hello"),
    "chunked, nothing in it": Behaviour(["ask", CHUNKED + b"0\r\n\r\n"], b""),
    "chunked, the end apart": Behaviour(["ask", CHUNKED + b"5\r\nhello\r\n", "tick", b"0\r\n\r\n"], b"hello"),
    "trailers": Behaviour(
        ["ask", CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"], b"hello", trailers=(("X-Sum", "1"),)
    ),
    "forbidden trailers": Behaviour(
        ["ask", CHUNKED + b"5\r\nhello\r\n0\r\nSet-Cookie: a=b\r\n\r\n"], b"hello"
    ),
    "until the close": Behaviour(["ask", OK + b"\r\nhello", "close"], b"hello", reused=False),
    "until the close, in pieces": Behaviour(
        ["ask", OK + b"\r\n", "tick", b"hel", "tick", b"lo", "close"], b"hello", reused=False
    ),
    "until the close, nothing": Behaviour(["ask", OK + b"\r\n", "tick", "close"], b"", reused=False),
    "until the end of one direction": Behaviour(["ask", OK + b"\r\nhello", "eof"], b"hello", reused=False),
    "HTTP/1.0": Behaviour(["ask", b"HTTP/1.0 200 OK\r\n\r\nhello", "close"], b"hello", reused=False),
    "HTTP/1.0 with a length": Behaviour(
        ["ask", b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "close"], b"hello", reused=False
    ),
    "HTTP/1.0 with keep-alive": Behaviour(
        ["ask", b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"],
        b"hello",
    ),
    "Connection: close": Behaviour(
        ["ask", OK + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello"], b"hello", reused=False
    ),
    "closes without saying so": Behaviour(["ask", HELLO, "close"], b"hello", reused=False),
    "resets after its answer": Behaviour(["ask", HELLO, "tick", "reset"], b"hello", reused=False),
    "204": Behaviour(["ask", b"HTTP/1.1 204 No Content\r\n\r\n"], b"", status=204),
    "204 with a length of 0": Behaviour(
        ["ask", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"], b"", status=204
    ),
    "304": Behaviour(["ask", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"], b"", status=304),
    "HEAD": Behaviour(["ask", OK + b"Content-Length: 5\r\n\r\n"], b"", method="HEAD"),
    "HEAD of chunks": Behaviour(["ask", CHUNKED], b"", method="HEAD"),
    "an error page": Behaviour(
        ["ask", b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nsorry"], b"sorry", status=500
    ),
    "no reason": Behaviour(["ask", b"HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno"], b"no", status=404),
    "100 before": Behaviour(["ask", b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO], b"hello", interims=(100,)),
    "103 before": Behaviour(
        ["ask", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "tick", HELLO], b"hello", interims=(103,)
    ),
    "three interims": Behaviour(
        ["ask", b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + HELLO], b"hello", interims=(102, 102, 102)
    ),
    "32 interims": Behaviour(
        ["ask", b"HTTP/1.1 102 Processing\r\n\r\n" * 32 + HELLO], b"hello", interims=(102,) * 32
    ),
    "an interim with a length": Behaviour(
        ["ask", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + HELLO], b"hello", interims=(103,)
    ),
    "a large answer": Behaviour(
        ["ask", OK + b"Content-Length: 3000000\r\n\r\n", b"x" * 3_000_000], b"x" * 3_000_000
    ),
    "a large answer in chunks": Behaviour(
        ["ask", CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n", b"0\r\n\r\n"], b"x" * 65536
    ),
    "an upgrade that it names but was not asked for": Behaviour(
        ["ask", OK + b"Upgrade: h2,h2c\r\nConnection: Upgrade\r\nContent-Length: 5\r\n\r\nhello"], b"hello"
    ),
}

BAD: dict[str, Behaviour] = {
    # No answer
    "closes at once": Behaviour(["ask", "close"], UpstreamError),
    "resets at once": Behaviour(["ask", "reset"], UpstreamError),
    "ends its direction": Behaviour(["ask", "eof"], UpstreamError),
    "never answers": Behaviour(["ask", "hang"], TimedOut),
    "never reads": Behaviour(["deaf"], TimedOut),
    "closes before it reads": Behaviour(["close"], UpstreamError),
    "stops in the status line": Behaviour(["ask", b"HTTP/1.1 2", "hang"], TimedOut),
    "stops in the head": Behaviour(["ask", OK + b"Content-Le", "hang"], TimedOut),
    "closes in the head": Behaviour(["ask", OK + b"Content-Le", "close"], UpstreamError),
    "resets in the head": Behaviour(["ask", OK + b"Content-Le", "tick", "reset"], UpstreamError),
    "an interim, then nothing": Behaviour(["ask", b"HTTP/1.1 100 Continue\r\n\r\n", "hang"], TimedOut),
    "an interim, then the close": Behaviour(
        ["ask", b"HTTP/1.1 100 Continue\r\n\r\n", "close"], UpstreamError
    ),
    "interims without end": Behaviour(
        ["ask", b"HTTP/1.1 102 Processing\r\n\r\n" * 33 + HELLO], UpstreamError
    ),
    "a head without end": Behaviour(["ask", OK + b"X: " + b"a" * 200_000, "hang"], UpstreamError),
    "fields without end": Behaviour(["ask", OK + b"A: b\r\n" * 20_000, "hang"], UpstreamError),
    # Not HTTP
    "junk": Behaviour(["ask", b"\x00\x01\x02\x03", "hang"], UpstreamError),
    "a page without a head": Behaviour(["ask", b"<html>hello</html>", "hang"], UpstreamError),
    "HTTP/2": Behaviour(["ask", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "hang"], UpstreamError),
    "TLS": Behaviour(["ask", b"\x15\x03\x01\x00\x02\x02\x16", "close"], UpstreamError),
    "FTP": Behaviour(["ask", b"220 ready\r\n", "hang"], UpstreamError),
    "ICY": Behaviour(["ask", b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n", "hang"], UpstreamError),
    "an empty line first": Behaviour(["ask", b"\r\n" + HELLO, "hang"], UpstreamError),
    "bare LF": Behaviour(["ask", HELLO.replace(b"\r\n", b"\n"), "hang"], UpstreamError),
    "status 000": Behaviour(["ask", HELLO.replace(b"200", b"000"), "hang"], UpstreamError),
    "status 700": Behaviour(["ask", HELLO.replace(b"200", b"700"), "hang"], UpstreamError),
    "an unasked 101": Behaviour(
        ["ask", b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "hang"],
        UpstreamError,
    ),
    # Framing
    "length and chunked": Behaviour(
        ["ask", OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
        UpstreamError,
    ),
    "two lengths": Behaviour(
        ["ask", OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"], UpstreamError
    ),
    "two equal lengths": Behaviour(
        ["ask", OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"], UpstreamError
    ),
    "a negative length": Behaviour(["ask", OK + b"Content-Length: -5\r\n\r\nhello"], UpstreamError),
    "an unknown coding": Behaviour(["ask", OK + b"Transfer-Encoding: xchunked\r\n\r\nhello"], UpstreamError),
    "gzip, then chunked": Behaviour(["ask", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n"], UpstreamError),
    "space before a colon": Behaviour(
        ["ask", OK + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"], UpstreamError
    ),
    "a folded line": Behaviour(["ask", OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n"], UpstreamError),
    "NUL in a field": Behaviour(["ask", OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n"], UpstreamError),
    "HTTP/1.0 with chunks": Behaviour(
        ["ask", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], UpstreamError
    ),
    "a malformed first chunk": Behaviour(["ask", CHUNKED + b"xyz\r\n"], UpstreamError),
    # Cut short
    "less than its length, closed": Behaviour(
        ["ask", OK + b"Content-Length: 9\r\n\r\nhello", "close"], Truncated
    ),
    "less than its length, reset": Behaviour(
        ["ask", OK + b"Content-Length: 9\r\n\r\nhello", "tick", "reset"], Truncated
    ),
    "less than its length, silent": Behaviour(
        ["ask", OK + b"Content-Length: 9\r\n\r\nhello", "hang"], Truncated
    ),
    "less than its length, half closed": Behaviour(
        ["ask", OK + b"Content-Length: 9\r\n\r\nhello", "eof"], Truncated
    ),
    "only the head, closed": Behaviour(
        ["ask", OK + b"Content-Length: 9\r\n\r\n", "tick", "close"], Truncated
    ),
    "no last chunk, closed": Behaviour(["ask", CHUNKED + b"5\r\nhello\r\n", "close"], Truncated),
    "no last chunk, reset": Behaviour(["ask", CHUNKED + b"5\r\nhello\r\n", "tick", "reset"], Truncated),
    "no last chunk, silent": Behaviour(["ask", CHUNKED + b"5\r\nhello\r\n", "hang"], Truncated),
    "half a chunk, closed": Behaviour(["ask", CHUNKED + b"5\r\nhel", "close"], Truncated),
    "half a last chunk, closed": Behaviour(["ask", CHUNKED + b"5\r\nhello\r\n0\r\n", "close"], Truncated),
    "a malformed later chunk": Behaviour(["ask", CHUNKED + b"5\r\nhello\r\n", "tick", b"xyz\r\n"], Truncated),
    "a chunk longer than said": Behaviour(["ask", CHUNKED, "tick", b"5\r\nhello!!\r\n0\r\n\r\n"], Truncated),
    "a chunk size ended by LF": Behaviour(["ask", CHUNKED, "tick", b"5\nhello\r\n0\r\n\r\n"], Truncated),
    "a chunk size with 0x": Behaviour(["ask", CHUNKED, "tick", b"0x5\r\nhello\r\n0\r\n\r\n"], Truncated),
    "a chunk size with a space": Behaviour(["ask", CHUNKED, "tick", b"5 \r\nhello\r\n0\r\n\r\n"], Truncated),
    "a chunk size that overflows": Behaviour(["ask", CHUNKED, "tick", b"f" * 17 + b"\r\n"], Truncated),
    "malformed trailers": Behaviour(["ask", CHUNKED, "tick", b"5\r\nhello\r\n0\r\nX : a\r\n\r\n"], Truncated),
    "trailers without end": Behaviour(
        ["ask", CHUNKED, "tick", b"5\r\nhello\r\n0\r\nX: " + b"a" * 20_000], Truncated
    ),
    "until the close, reset": Behaviour(["ask", OK + b"\r\nhello", "tick", "reset"], Truncated),
}

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"

SURPLUS: dict[str, Behaviour] = {
    "another answer in the same segment": Behaviour(["ask", HELLO + POISON], b"hello", False),
    "another answer in the next segment": Behaviour(["ask", HELLO, "tick", POISON], b"hello", False),
    "another answer, twice": Behaviour(["ask", HELLO, "tick", POISON, "tick", POISON], b"hello", False),
    "another answer and the close": Behaviour(["ask", HELLO + POISON, "close"], b"hello", False),
    "another answer after chunks": Behaviour(["ask", CHUNKED + b"0\r\n\r\n" + POISON], b"", False),
    "another answer after chunks, later": Behaviour(
        ["ask", CHUNKED + b"0\r\n\r\n", "tick", POISON], b"", False
    ),
    "one line end too many": Behaviour(["ask", HELLO + b"\r\n"], b"hello", False),
    "one octet too many": Behaviour(["ask", HELLO + b"!"], b"hello", False),
    "one octet too many, later": Behaviour(["ask", HELLO, "tick", b"!"], b"hello", False),
    "content after HEAD": Behaviour(["ask", HELLO], b"", False, method="HEAD"),
    "content after HEAD, later": Behaviour(["ask", HELLO[:-5], "tick", b"hello"], b"", False, method="HEAD"),
    "an answer as the content after HEAD": Behaviour(
        ["ask", OK + b"Content-Length: 44\r\n\r\n", "tick", POISON], b"", False, method="HEAD"
    ),
    "content after 204": Behaviour(["ask", b"HTTP/1.1 204 No\r\n\r\n" + POISON], b"", False, 204),
    "content after 204, announced": Behaviour(
        ["ask", b"HTTP/1.1 204 No\r\nContent-Length: 44\r\n\r\n", "tick", POISON], b"", False, 204
    ),
    "content after 204 in chunks": Behaviour(
        ["ask", b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", "tick", b"0\r\n\r\n"],
        b"",
        False,
        204,
    ),
    "content after 304": Behaviour(
        ["ask", b"HTTP/1.1 304 Same\r\nContent-Length: 44\r\n\r\n" + POISON], b"", False, 304
    ),
    "content after a length of 0": Behaviour(["ask", OK + b"Content-Length: 0\r\n\r\n" + POISON], b"", False),
    "an interim after the answer": Behaviour(
        ["ask", HELLO, "tick", b"HTTP/1.1 100 Continue\r\n\r\n"], b"hello", False
    ),
    "408 while idle": Behaviour(
        [
            "ask",
            HELLO,
            "tick",
            b"HTTP/1.1 408 Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            "close",
        ],
        b"hello",
        False,
    ),
    "junk while idle": Behaviour(["ask", HELLO, "tick", b"\x00"], b"hello", False),
    "the end while idle": Behaviour(["ask", HELLO, "tick", "eof"], b"hello", False),
}
