"""Shapes: mostly valid heads and bodies, with a few mutations; what hypothesis draws from.

Wholly random bytes are refused at the first octet and prove nothing.  These are right but for the one
place where they are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

TCHAR = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "QUERY", "get")

tokens = st.text(TCHAR, min_size=1, max_size=12)
space = st.sampled_from(["", " ", " ", " ", "\t", "  ", " \t "])
segments = st.lists(
    st.sampled_from(
        ["a", "..", ".", "", "%2e", "%2F", "%41", "b;c=d", "x%00", "a|b", "~", "\\", "'", "\xe9"]
    ),
    max_size=5,
)
queries = st.sampled_from(["", "", "", "", "?", "?a=b", "?a=%zz&/../", "??", "?#"])
hosts = st.sampled_from(
    ["a.test", "A.Test:80", "a.test.", "127.0.0.1", "[::1]:443", "my_app", "a.test:", "xn--a.test", "a,b"]
)
targets = st.one_of(
    st.tuples(segments, queries).map(lambda pair: "/" + "/".join(pair[0]) + pair[1]),
    st.tuples(st.sampled_from(["http", "https", "HTTP", "ws"]), hosts, segments, queries).map(
        lambda parts: f"{parts[0]}://{parts[1]}/" + "/".join(parts[2]) + parts[3]
    ),
    st.sampled_from(["*", "/", "/", "http://a.test", "http://a.test?q"]),
)
lengths = st.sampled_from(
    ["0", "5", "007", "70000", "999999999999999999", "64", "5", "3", "5,5", "+5", "\xb2"]
)
options = st.lists(
    st.sampled_from(
        ["close", "Close", "keep-alive", "Keep-Alive", "upgrade", "x-a", "te", "host", "content-length", ""]
    ),
    min_size=1,
    max_size=3,
).map(lambda some: ", ".join(some))
codings = st.sampled_from(["chunked"] * 6 + ["Chunked", "gzip, chunked", "chunked;q=1"])
protocols = st.sampled_from(["websocket", "h2c", "foo/2", "websocket, h2c", "TLS/1.2", "HTTP/2.0"])
free = st.one_of(
    st.sampled_from(["1", "a, b", 'W/"x"', "gzip;q=0.5", "caf\xe9", "a\tb", "\xa0x\x85", "a:b", "x" * 300]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=10),
)
names = st.sampled_from(
    ["Accept", "Cookie", "X-A", "x_y", "Expect", "TE", "Trailer", "X-Forwarded-For", "Keep-Alive", "Range",
     "Content-Type", "Content-Encoding", "Proxy-Connection", "Sec-WebSocket-Key", "HTTP2-Settings", "Via",
     "Set-Cookie", "Location", "Date", "ETag", "Transfer-Encoding-X", "Max-Forwards"]
)  # fmt: skip


def line(name: st.SearchStrategy[str], value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    cased = name | name.map(str.lower) | name.map(str.upper)
    return st.tuples(cased, space, value, space).map(
        lambda parts: f"{parts[0]}:{parts[1]}{parts[2]}{parts[3]}"
    )


def named(name: str, value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return line(st.just(name), value)


framings = st.one_of(
    st.just([]),
    st.just(["Content-Length: 5"]),
    st.just(["Transfer-Encoding: chunked"]),
    named("Content-Length", lengths).map(lambda one: [one]),
    named("Transfer-Encoding", codings).map(lambda one: [one]),
    st.lists(named("Content-Length", lengths) | named("Transfer-Encoding", codings), min_size=2, max_size=2),
)
persistence = st.lists(named("Connection", options) | named("Upgrade", protocols), max_size=2)
others = st.lists(line(names | tokens, free), max_size=4)


@st.composite
def request_heads(draw: Callable[..., Any]) -> bytes:
    method = draw(st.sampled_from(METHODS) | tokens)
    version = draw(st.sampled_from(["HTTP/1.1"] * 12 + ["HTTP/1.0"] * 4 + ["HTTP/1.2"]))
    lines = draw(others) + draw(framings) + draw(persistence)
    lines += draw(st.sampled_from([1] * 15 + [0, 2])) * [draw(named("Host", hosts))]
    lines = draw(st.permutations(lines))
    blank = draw(st.sampled_from(["", "", "", "\r\n"]))
    head = "\r\n".join([f"{method} {draw(targets)} {version}", *lines, "", ""])
    return mutated(draw, (blank + head).encode("latin-1", "replace"))


@st.composite
def response_heads(draw: Callable[..., Any]) -> bytes:
    status = draw(
        st.sampled_from([200, 200, 204, 304, 100, 101, 103, 205, 404, 599, 99]) | st.integers(100, 599)
    )
    version = draw(st.sampled_from(["HTTP/1.1"] * 12 + ["HTTP/1.0"] * 4 + ["ICY"]))
    reason = draw(
        st.sampled_from([" OK", " ", "", " Not  Found", " caf\xe9", "  two", " a\tb", " \t", " OK "])
    )
    lines = draw(st.permutations(draw(others) + draw(framings) + draw(persistence)))
    head = "\r\n".join([f"{version} {status}{reason}", *lines, "", ""])
    return mutated(draw, head.encode("latin-1", "replace"))


extensions = st.sampled_from(
    [""] * 6 + [";a", ";a=b", ';a="b;c"', "; a", ";a=\xe9", ";", ";" + "e" * 200, " ", ";a b"]
)


@st.composite
def chunked_bodies(draw: Callable[..., Any]) -> bytes:
    body = b""
    for data in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4)):
        size = draw(st.sampled_from(["%x", "%X", "0%x", "%x", "%x", "000%x"])) % len(data)
        body += (size + draw(extensions)).encode("latin-1") + b"\r\n" + data + b"\r\n"
    trailers = draw(st.one_of(st.just([]), st.just([]), st.lists(line(names | tokens, free), max_size=3)))
    end = "\r\n".join([draw(st.sampled_from(["0", "0", "000"])) + draw(extensions), *trailers, "", ""])
    return mutated(draw, body + end.encode("latin-1", "replace"))


INSERTED = (
    b" ", b"\t", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b":", b",", b";", b"\x0b", b"\x0c", b"\x7f",
    b"\x80", b"\xff", b"0", b"5", b"a", b"-", b"_", b"\r\n ", b"\n\n", b"0\r\n\r\n", b"%", b"#", b"=", b'"',
    b"Host: b.test\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"GET / HTTP/1.1\r\n",
)  # fmt: skip
spots = st.integers(0, 400)


def mutated(draw: Callable[..., Any], raw: bytes) -> bytes:
    """With none, one or two small mistakes: something put in, left out, doubled or replaced."""
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        at = draw(spots) % (len(raw) + 1)
        size = draw(st.sampled_from([1, 1, 1, 2, 8]))
        how = draw(st.sampled_from(["put in", "put in", "left out", "doubled", "replaced"]))
        if how == "put in":
            raw = raw[:at] + draw(st.sampled_from(INSERTED)) + raw[at:]
        elif how == "left out":
            raw = raw[:at] + raw[at + size :]
        elif how == "doubled":
            raw = raw[: at + size] + raw[at:]
        else:
            raw = raw[:at] + draw(st.binary(min_size=1, max_size=1)) + raw[at + 1 :]
    return raw


cuts = st.lists(st.integers(0, 300), max_size=5)
