"""Corpus of octets: each of the 256 at each place of a request, by the grammars alone.

RFC 3986 2 and 3 for targets, RFC 9110 5.5 and 5.6.2 for fields and methods, RFC 9112 7.1.1 for chunks.
"""

from __future__ import annotations

from tests.proxy.wire.corpus_requests import Served

ALPHANUMERIC = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
UNRESERVED = ALPHANUMERIC | frozenset(b"-._~")  # RFC 3986 2.3
SUB_DELIMS = frozenset(b"!$&'()*+,;=")  # RFC 3986 2.2
PCHAR = UNRESERVED | SUB_DELIMS | frozenset(b":@")  # RFC 3986 3.3, escapes apart
UNESCAPED = frozenset(b'"<>[]\\^`{|}')
"""Not of RFC 3986, but sent so by browsers; they pass as they are."""
TCHAR = ALPHANUMERIC | frozenset(b"!#$%&'*+-.^_`|~")  # RFC 9110 5.6.2
IN_A_VALUE = frozenset((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))  # RFC 9110 5.5

Octet = tuple[bytes, Served | None]
"""What is sent, and what must come of it; None is a refusal."""


def _request(line: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, b"Host: a.test", *lines, b"", b""]) + body


def _served(raw: bytes, line: bytes, **more: object) -> Octet:
    return raw, Served(raw, (line.decode("latin-1"),), **more)


def _path(octet: int) -> Octet:
    raw = _request(b"GET /a%cb HTTP/1.1" % octet)
    if octet in PCHAR | UNESCAPED | frozenset(b"/?"):
        return _served(raw, b"GET /a%cb" % octet)
    return raw, None


def _query(octet: int) -> Octet:
    raw = _request(b"GET /?a%cb HTTP/1.1" % octet)
    # A query belongs to its app, broken escapes included.
    if octet in PCHAR | UNESCAPED | frozenset(b"/?%"):
        return _served(raw, b"GET /?a%cb" % octet)
    return raw, None


def _escape(octet: int) -> Octet:
    raw = _request(b"GET /a%%%02xb HTTP/1.1" % octet)
    return _served(raw, b"GET /a%cb" % octet if octet in UNRESERVED else b"GET /a%%%02Xb" % octet)


def _method(octet: int) -> Octet:
    raw = _request(b"G%cT / HTTP/1.1" % octet)
    return _served(raw, b"G%cT /" % octet) if octet in TCHAR else (raw, None)


def _name(octet: int) -> Octet:
    raw = _request(b"GET / HTTP/1.1", b"X%cY: v" % octet)
    return _served(raw, b"GET /") if octet in TCHAR | frozenset(b":") else (raw, None)


def _value(octet: int) -> Octet:
    raw = _request(b"GET / HTTP/1.1", b"X-A: a%cb" % octet)
    value = (b"a%cb" % octet).decode("latin-1")
    return _served(raw, b"GET /", has=(("x-a", value),)) if octet in IN_A_VALUE else (raw, None)


def _extension(octet: int) -> Octet:
    body = b"2;a%cb\r\nhi\r\n0\r\n\r\n" % octet
    raw = _request(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=body)
    return _served(raw, b"POST /", body=b"hi") if octet in IN_A_VALUE else (raw, None)


def _behind_a_size(octet: int) -> Octet:
    """Not for hexadecimal digits: with them it is another size."""
    body = b"2%c\r\nhi\r\n0\r\n\r\n" % octet
    raw = _request(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=body)
    return _served(raw, b"POST /", body=b"hi") if octet in b";" else (raw, None)


HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
PLACES = {
    "in a path": _path,
    "in a query": _query,
    "escaped in a path": _escape,
    "in a method": _method,
    "in a name": _name,
    "in a value": _value,
    "in a chunk extension": _extension,
    "behind a chunk size": _behind_a_size,
}
OCTETS: dict[str, dict[str, Octet]] = {
    place: {
        f"{octet:#04x} {place}": make(octet)
        for octet in range(256)
        if make is not _behind_a_size or octet not in HEXADECIMAL
    }
    for place, make in PLACES.items()
}
