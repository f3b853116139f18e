"""Raw response heads: their framing and whether the connection may serve again, or refusal."""

from __future__ import annotations

from typing import NamedTuple

from proxy.framing import CHUNKED, NO_BODY, UNTIL_CLOSE, Framing


class Answer(NamedTuple):
    head: bytes
    framing: Framing
    reusable: bool = True
    method: str = "GET"


def _length(octets: int) -> Framing:
    return Framing("length", octets)


GOOD: dict[str, Answer] = {
    "a length": Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", _length(5)),
    "a length of 0": Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", _length(0)),
    "chunked": Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNKED),
    "Chunked": Answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding:Chunked\r\n\r\n", CHUNKED),
    "neither": Answer(b"HTTP/1.1 200 OK\r\n\r\n", UNTIL_CLOSE, False),
    "neither, HTTP/1.0": Answer(b"HTTP/1.0 200 OK\r\n\r\n", UNTIL_CLOSE, False),
    "HTTP/1.0 with a length": Answer(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", _length(5), False),
    "HTTP/1.0 with keep-alive": Answer(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", _length(5)
    ),
    "HTTP/1.0 with keep-alive and close": Answer(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 5\r\n\r\n", _length(5), False
    ),
    "close": Answer(b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 5\r\n\r\n", _length(5), False),
    "no reason": Answer(b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n", _length(5)),
    "no reason and no space": Answer(b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", _length(5)),
    "a reason above 0x7F": Answer(b"HTTP/1.1 404 Pas trouv\xe9\r\nContent-Length: 0\r\n\r\n", _length(0)),
    "a reason with 0x85": Answer(b"HTTP/1.1 404 a\x85b\r\nContent-Length: 0\r\n\r\n", _length(0)),
    "a status nobody knows": Answer(b"HTTP/1.1 299 Fine\r\nContent-Length: 0\r\n\r\n", _length(0)),
    "599": Answer(b"HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", _length(0)),
    "204": Answer(b"HTTP/1.1 204 No Content\r\n\r\n", NO_BODY),
    "204 with a length of 0": Answer(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", NO_BODY),
    "204 that announces content": Answer(b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", NO_BODY, False),
    "204 that announces chunks": Answer(
        b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", NO_BODY, False
    ),
    "304 with a length": Answer(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", NO_BODY),
    "304": Answer(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", NO_BODY),
    "HEAD with a length": Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", NO_BODY, True, "HEAD"),
    "HEAD of chunks": Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", NO_BODY, True, "HEAD"),
    "HEAD with neither": Answer(b"HTTP/1.1 200 OK\r\n\r\n", NO_BODY, True, "HEAD"),
    "100": Answer(b"HTTP/1.1 100 Continue\r\n\r\n", NO_BODY),
    "103": Answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", NO_BODY),
    "octets above 0x7F in a value": Answer(
        b"HTTP/1.1 200 OK\r\nX: \xe9\xff\r\nContent-Length: 0\r\n\r\n", _length(0)
    ),
    "many cookies": Answer(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n", _length(0)
    ),
}

_OK = b"HTTP/1.1 200 OK\r\n"

BAD: dict[str, bytes] = {
    "an unasked switch of protocols": (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    ),
    "length and chunked": _OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths": _OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "two equal lengths": _OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "a list of lengths": _OK + b"Content-Length: 5, 5\r\n\r\n",
    "a negative length": _OK + b"Content-Length: -1\r\n\r\n",
    "a positive length": _OK + b"Content-Length: +1\r\n\r\n",
    "a length in letters": _OK + b"Content-Length: abc\r\n\r\n",
    "an empty length": _OK + b"Content-Length:\r\n\r\n",
    "a huge length": _OK + b"Content-Length: 99999999999999999999\r\n\r\n",
    "gzip, then chunked": _OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "an unknown coding": _OK + b"Transfer-Encoding: xchunked\r\n\r\n",
    "identity": _OK + b"Transfer-Encoding: identity\r\n\r\n",
    "chunked twice": _OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked after a vertical tab": _OK + b"Transfer-Encoding: \x0bchunked\r\n\r\n",
    "space before the colon": _OK + b"Content-Length : 5\r\n\r\n",
    "space before the colon of a coding": _OK + b"Transfer-Encoding : chunked\r\n\r\n",
    "a folded line": _OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a fold at the beginning": _OK + b" X: a\r\nContent-Length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "one bare LF": _OK + b"X: a\nContent-Length: 0\r\n\r\n",
    "bare CR": _OK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n",
    "NUL": _OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a bell": _OK + b"X: \x07\r\nContent-Length: 0\r\n\r\n",
    "NUL in the reason": b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    "bare CR in the reason": b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
    "a line without a colon": _OK + b"Oops\r\n\r\n",
    "an empty name": _OK + b": a\r\n\r\n",
    "a name with a space": _OK + b"A B: c\r\n\r\n",
    "status 099": b"HTTP/1.1 099 Hm\r\nContent-Length: 0\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Hm\r\nContent-Length: 0\r\n\r\n",
    "status 600": b"HTTP/1.1 600 Hm\r\nContent-Length: 0\r\n\r\n",
    "status 999": b"HTTP/1.1 999 Hm\r\nContent-Length: 0\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "a signed status": b"HTTP/1.1 +200 OK\r\nContent-Length: 0\r\n\r\n",
    "a status in letters": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "a status in superscript": b"HTTP/1.1 \xb2\xb2\xb2 OK\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1 \r\nContent-Length: 0\r\n\r\n",
    "two spaces before the status": b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
    "a tab before the status": b"HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2": b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
    "http/1.1": b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "ICY": b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a page without a head": b"<html>hello</html>",
    "an SSH banner": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x16",
    "a frame of HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "an empty line before it": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a head over 64 KiB": _OK + b"X: " + b"a" * 66000 + b"\r\n\r\n",
    "a head without an end": _OK + b"X: " + b"a" * 66000,
    "201 fields": _OK + b"A: b\r\n" * 201 + b"\r\n",
}
