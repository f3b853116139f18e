"""Corpus of requests: raw bytes from a client, what comes back, and what the app may have seen.

Behind each stands a good request for /probe.  Whoever is refused must not get it served; whoever is served
and may stay must.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.proxy.corpus import chunked_bodies, request_heads

HOST = b"Host: a.test\r\n"
PROBE = b"GET /probe HTTP/1.1\r\nHost: a.test\r\n\r\n"
INNER = b"GET /inner HTTP/1.1\r\nHost: a.test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EVIL = "203.0.113.66"
"""Stands in everything that an app must not believe, and so must never get."""


class Served(NamedTuple):
    """`app` are method and target of each request that the app gets, `status` those of the answers."""

    raw: bytes
    app: tuple[str, ...]
    status: tuple[int, ...] = (200,)
    kept: bool = True
    body: bytes = b""
    has: tuple[tuple[str, str], ...] = ()
    """Fields that the app must get so, and once."""
    lacks: tuple[str, ...] = ()
    answer: bytes = OK
    """What the app says to a request."""
    gets: bytes | None = None
    """The content of the first answer."""
    trailers: tuple[tuple[str, str], ...] = ()


def _get(target: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    head = [f"{method} {target} HTTP/{version}", "Host: a.test", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1")


def _post(body: bytes, *lines: str, method: str = "POST", target: str = "/p") -> bytes:
    return _get(target, *lines, f"Content-Length: {len(body)}", method=method) + body


def _chunked(body: bytes, *lines: str, method: str = "POST") -> bytes:
    return _get("/p", *lines, "Transfer-Encoding: chunked", method=method) + body


def _target(target: str, seen: str | None = None, *lines: str) -> Served:
    return Served(_get(target, *lines), (f"GET {target if seen is None else seen}",))


def _answered(answer: bytes, status: int = 200, gets: bytes = b"", method: str = "GET") -> Served:
    return Served(_get("/x", method=method), (f"{method} /x",), (status,), answer=answer, gets=gets)


GROUPS: dict[str, dict[str, Served]] = {
    "targets": {  # RFC 9112 3.2, RFC 3986 6.2.2
        "a path": _target("/a/b"),
        "a query": _target("/a?b=%zz&c=/../d"),
        "what browsers leave unescaped": _target('/a|b"^{}[]?<>`', '/a|b"^{}[]?<>`'),
        "unreserved escapes": _target("/%61%2Db%7e", "/a-b~"),
        "escapes in lower case": _target("/caf%c3%a9", "/caf%C3%A9"),
        "an escaped escape": _target("/%252e%252e/a", "/%252e%252e/a"),
        "dot segments": _target("/a/./b/../c", "/a/c"),
        "dot segments above the root": _target("/../../a", "/a"),
        "escaped dot segments": _target("/a/%2e%2E/b", "/b"),
        "a final dot segment": _target("/a/b/..", "/a/"),
        "doubled slashes": _target("//a///b", "/a/b"),
        "an escaped slash where no path is guarded": _target("/a%2fb", "/a%2Fb"),
        "a backslash where no path is guarded": _target("/a\\b"),
        "absolute-form": _target("http://a.test/q?r", "/q?r"),
        "absolute-form without a path": _target("http://a.test", "/"),
        "absolute-form in capitals, with a port": _target("HTTP://A.TEST:80/q", "/q"),
        "absolute-form with dot segments": _target("http://a.test/a/../q", "/q"),
        "absolute-form wins over Host": Served(
            b"GET http://a.test/q HTTP/1.1\r\nHost: b.test\r\n\r\n", ("GET /q",), has=(("host", "a.test"),)
        ),
        "a URL as a path": _target("/http://b.test/", "/http:/b.test/"),
        "asterisk-form": Served(_get("*", method="OPTIONS"), ("OPTIONS *",)),
        "a long target": _target("/" + "a" * 8000),
    },
    "methods and versions": {
        **{
            f"method {method}": Served(_get("/m", method=method), (f"{method} /m",))
            for method in ("DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "M-SEARCH", "!x")
        },
        "HEAD": Served(_get("/m", method="HEAD"), ("HEAD /m",), answer=OK[:-2], gets=b""),
        "HEAD whose app says chunked": Served(
            _get("/m", method="HEAD"),
            ("HEAD /m",),
            answer=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            gets=b"",
        ),
        "HTTP/1.0": Served(_get("/m", version="1.0"), ("GET /m",), kept=False),
        "HTTP/1.0 that stays": Served(_get("/m", "Connection: keep-alive", version="1.0"), ("GET /m",)),
        "HTTP/1.0 that stays, in capitals": Served(
            _get("/m", "Connection: KEEP-ALIVE", version="1.0"), ("GET /m",)
        ),
        "HTTP/1.0 that goes": Served(_get("/m", "Connection: close", version="1.0"), ("GET /m",), kept=False),
        "HTTP/1.0 and an answer in chunks": Served(
            _get("/m", "Connection: keep-alive", version="1.0"),
            ("GET /m",),
            kept=False,
            answer=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            gets=b"ok",
        ),
        "HTTP/1.0 and an interim answer": Served(
            _get("/m", version="1.0"),
            ("GET /m",),
            kept=False,
            answer=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
        ),
        "close": Served(_get("/m", "Connection: close"), ("GET /m",), kept=False),
        "close among others": Served(_get("/m", "Connection: x-a, Close"), ("GET /m",), kept=False),
        "close in a second line": Served(
            _get("/m", "Connection: keep-alive", "Connection: close"), ("GET /m",), kept=False
        ),
    },
    "heads": {
        "one empty line before it": Served(b"\r\n" + _get("/m"), ("GET /m",)),
        "8-bit octets": Served(
            _get("/m", "X-Name: caf\xe9\xff\x80"), ("GET /m",), has=(("x-name", "caf\xe9\xff\x80"),)
        ),
        "a tab inside a value": Served(_get("/m", "X-Name: a\tb"), ("GET /m",), has=(("x-name", "a\tb"),)),
        "an empty value": Served(_get("/m", "X-Name:"), ("GET /m",), has=(("x-name", ""),)),
        "0x85 and 0xA0 in a value": Served(
            _get("/m", "X-Name: \xa0a\x85"), ("GET /m",), has=(("x-name", "\xa0a\x85"),)
        ),
        "cookies of 30 KiB": Served(_get("/m", *[f"Cookie: {'c' * 6000}"] * 5), ("GET /m",)),
        "198 fields": Served(_get("/m", *["A: b"] * 198), ("GET /m",)),
        "Host with a port": Served(
            b"GET /m HTTP/1.1\r\nHost: A.Test:8080\r\n\r\n", ("GET /m",), has=(("host", "a.test:8080"),)
        ),
        "Host with a final dot": Served(
            b"GET /m HTTP/1.1\r\nHost: a.test.\r\n\r\n", ("GET /m",), has=(("host", "a.test"),)
        ),
    },
    "one hop": {  # RFC 9110 7.6.1
        "Connection names fields": Served(
            _get("/m", "Connection: x-a, X-B", "X-A: 1", "x-b: 2", "X-C: 3"),
            ("GET /m",),
            has=(("x-c", "3"),),
            lacks=("x-a", "x-b"),
        ),
        "Connection names what is ours": Served(
            _get("/m", "Connection: host, x-forwarded-for, x-real-ip, x-forwarded-proto, forwarded"),
            ("GET /m",),
            has=(
                ("host", "a.test"),
                ("x-forwarded-for", "127.0.0.1"),
                ("x-real-ip", "127.0.0.1"),
                ("x-forwarded-proto", "http"),
            ),
        ),
        "Connection names the length": Served(
            _post(b"hello", "Connection: content-length, transfer-encoding"), ("POST /p",), body=b"hello"
        ),
        "hop-by-hop fields": Served(
            _get(
                "/m",
                "Keep-Alive: 5",
                "Proxy-Connection: keep-alive",
                "Proxy-Authorization: Basic eDp5",
                "TE: gzip",
                "Upgrade: foo",
            ),
            ("GET /m",),
            lacks=("keep-alive", "proxy-connection", "proxy-authorization", "te", "upgrade"),
        ),
        "TE: trailers": Served(
            _get("/m", "Connection: TE", "TE: trailers"), ("GET /m",), has=(("te", "trailers"),)
        ),
        "TE: trailers among others": Served(
            _get("/m", "TE: gzip, trailers;q=0.5"), ("GET /m",), has=(("te", "trailers"),)
        ),
    },
    "content": {  # RFC 9112 6
        "a length": Served(_post(b"hello"), ("POST /p",), body=b"hello"),
        "a length of 0": Served(_post(b""), ("POST /p",), has=(("content-length", "0"),)),
        "POST without a length": Served(_get("/p", method="POST"), ("POST /p",)),
        "a length with leading zeros": Served(
            _get("/p", "Content-Length: 0005", method="POST") + b"hello", ("POST /p",), body=b"hello"
        ),
        "GET with content": Served(_post(b"hello", method="GET"), ("GET /p",), body=b"hello"),
        "GET with a length of 0": Served(_post(b"", method="GET"), ("GET /p",)),
        "HEAD with content": Served(
            _post(b"hello", method="HEAD"), ("HEAD /p",), body=b"hello", answer=OK[:-2], gets=b""
        ),
        "DELETE with content": Served(_post(b"hello", method="DELETE"), ("DELETE /p",), body=b"hello"),
        "OPTIONS * with content": Served(
            _post(b"hello", method="OPTIONS", target="*"), ("OPTIONS *",), body=b"hello"
        ),
        "content that is a request": Served(_post(INNER), ("POST /p",), body=INNER),
        "chunks that are a request": Served(
            _chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(INNER), INNER)), ("POST /p",), body=INNER
        ),
        "GET with chunks": Served(_chunked(b"2\r\nhi\r\n0\r\n\r\n", method="GET"), ("GET /p",), body=b"hi"),
        "no chunk but the last": Served(_chunked(b"0\r\n\r\n"), ("POST /p",)),
        "a last chunk of many zeros": Served(
            _chunked(b"2\r\nhi\r\n000000\r\n\r\n"), ("POST /p",), body=b"hi"
        ),
        "chunked in capitals": Served(
            _get("/p", "TRANSFER-ENCODING:\tChunked ", method="POST") + b"2\r\nhi\r\n0\r\n\r\n",
            ("POST /p",),
            body=b"hi",
        ),
        "chunk extensions": Served(_chunked(b'2;a=b;c="d e"\r\nhi\r\n0;x\r\n\r\n'), ("POST /p",), body=b"hi"),
        "trailers": Served(
            _chunked(b"2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n"),
            ("POST /p",),
            body=b"hi",
            trailers=(("X-Sum", "7"),),
        ),
        "a large body": Served(_post(b"z" * 300_000), ("POST /p",), body=b"z" * 300_000),
        "10,000 chunks": Served(
            _chunked(b"1\r\nz\r\n" * 10_000 + b"0\r\n\r\n"), ("POST /p",), body=b"z" * 10_000
        ),
        "an unknown expectation": Served(_post(b"hello", "Expect: wonders"), ("POST /p",), body=b"hello"),
        "Expect without content": Served(_get("/m", "Expect: 100-continue"), ("GET /m",)),
        # The client's content follows at once: whoever waits for nobody need not be sent away.
        "Expect, and content at once": Served(
            _post(b"hello", "Expect: 100-continue"),
            ("POST /p",),
            body=b"hello",
            answer=b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        ),
    },
    "upgrades": {  # RFC 9110 7.8
        "h2c": Served(
            _get("/m", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
            ("GET /m",),
            lacks=("upgrade", "http2-settings"),
        ),
        "h2c after another": Served(
            _get("/m", "Connection: Upgrade", "Upgrade: websocket, h2c"), ("GET /m",), lacks=("upgrade",)
        ),
        "an upgrade to TLS": Served(
            _get("/m", "Connection: Upgrade", "Upgrade: TLS/1.2"), ("GET /m",), lacks=("upgrade",)
        ),
        "an upgrade that Connection does not name": Served(
            _get("/m", "Upgrade: websocket"), ("GET /m",), lacks=("upgrade",)
        ),
        "an upgrade in two lines": Served(
            _get("/m", "Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"),
            ("GET /m",),
            lacks=("upgrade",),
        ),
        "an upgrade with content": Served(
            _post(b"hello", "Connection: Upgrade", "Upgrade: websocket"),
            ("POST /p",),
            body=b"hello",
            lacks=("upgrade",),
        ),
        "an upgrade in HTTP/1.0": Served(
            _get("/m", "Connection: Upgrade, keep-alive", "Upgrade: websocket", version="1.0"),
            ("GET /m",),
            lacks=("upgrade",),
        ),
    },
    "pipelines": {
        "three at once": Served(
            _get("/1") + _get("/2") + _get("/3"), ("GET /1", "GET /2", "GET /3"), (200,) * 3
        ),
        "a length and another": Served(
            _post(b"hello") + _get("/2"), ("POST /p", "GET /2"), (200,) * 2, body=b"hello"
        ),
        "chunks and another": Served(
            _chunked(b"2\r\nhi\r\n0\r\n\r\n") + _get("/2"), ("POST /p", "GET /2"), (200,) * 2, body=b"hi"
        ),
        "an empty line between two": Served(
            _get("/1") + b"\r\n" + _get("/2"), ("GET /1", "GET /2"), (200,) * 2
        ),
        "a hundred at once": Served(
            b"".join(_get(f"/{n}") for n in range(100)), tuple(f"GET /{n}" for n in range(100)), (200,) * 100
        ),
        "close in the middle": Served(_get("/1", "Connection: close") + _get("/2"), ("GET /1",), kept=False),
        "nobody's host between two": Served(
            _get("/1") + b"GET /x HTTP/1.1\r\nHost: nobody.test\r\n\r\n" + _get("/2"),
            ("GET /1", "GET /2"),
            (200, 404, 200),
        ),
        "nobody's host with content": Served(
            b"POST /x HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 38\r\n\r\n" + PROBE,
            (),
            (404,),
            kept=False,
        ),
    },
    "answers": {  # RFC 9110 15, RFC 9112 6.3
        "204": _answered(b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        "204 with a length": _answered(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204),
        "304": _answered(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', 304),
        "304 with a length": _answered(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\n\r\n", 304),
        "205": _answered(b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", 205),
        "an interim answer": Served(
            _get("/x"), ("GET /x",), (103, 200), answer=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK
        ),
        "no reason": _answered(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", gets=b"ok"),
        "HEAD with the length of GET": _answered(
            b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", method="HEAD"
        ),
    },
}
SERVED: dict[str, Served] = {name: case for group in GROUPS.values() for name, case in group.items()}

SPOKEN_BY_OTHERS = (
    "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server",
    "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Prefix", "X-Forwarded-Uri",
    "X-Forwarded-Tls-Client-Cert",
    "X-Real-Ip", "Forwarded", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip",
    "X-Original-Url", "X-Original-Uri", "X-Rewrite-Url", "X-Original-Host", "Proxy",
    "Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name",
)  # fmt: skip


def _spoofed(name: str) -> dict[str, Served]:
    """The ways in which a client may try to be believed."""
    lower, underscore = name.lower(), name.replace("-", "_")
    half = name.replace("-", "_", 1)
    trailer = f"2\r\nhi\r\n0\r\n{name}: {EVIL}\r\nX-Sum: 1\r\n\r\n".encode()
    ways: dict[str, Served] = {
        "as it is": Served(_get("/m", f"{name}: {EVIL}"), ("GET /m",)),
        "twice": Served(_get("/m", f"{lower}: {EVIL}", f"{name}: {EVIL}"), ("GET /m",)),
        "named by Connection": Served(_get("/m", f"Connection: {lower}", f"{name}: {EVIL}"), ("GET /m",)),
        "as a trailer": Served(_chunked(trailer), ("POST /p",), body=b"hi"),
        "as an odd trailer": Served(_chunked(trailer.replace(b"-", b"_", 1)), ("POST /p",), body=b"hi"),
    }
    if half != name:
        ways |= {
            "with underscores": Served(_get("/m", f"{underscore}: {EVIL}"), ("GET /m",)),
            "with one underscore": Served(_get("/m", f"{half.upper()}: {EVIL}"), ("GET /m",)),
            "with dots": Served(_get("/m", f"{name.replace('-', '.')}: {EVIL}"), ("GET /m",)),
        }
    return {f"{name} {way}": case for way, case in ways.items()}


SPOOFED: dict[str, Served] = {key: case for name in SPOKEN_BY_OTHERS for key, case in _spoofed(name).items()}

REFUSED: dict[str, tuple[tuple[int, ...], bytes]] = {
    **{f"head: {name}": ((status,), raw) for name, (status, raw) in request_heads.BAD.items()},
    **{f"chunks: {name}": ((400, 413, 431), _chunked(raw)) for name, raw in chunked_bodies.BAD.items()},
    "a good request, then LF for CR LF": ((400,), b"GET / HTTP/1.1\nHost: a.test\r\n\r\n"),
    "a chunk size on two lines": ((400,), _chunked(b"2\r\n\r\nhi\r\n0\r\n\r\n")),
    "a chunk extension with LF": ((400,), _chunked(b"2;a\nb\r\nhi\r\n0\r\n\r\n")),
    "a last chunk ended by LF": ((400,), _chunked(b"2\r\nhi\r\n0\n\n")),
    "a last chunk without its line": ((400,), _chunked(b"2\r\nhi\r\n0\r\nGET /x HTTP/1.1\r\n\r\n")),
    "a folded trailer": ((400,), _chunked(b"2\r\nhi\r\n0\r\nX: a\r\n b\r\n\r\n")),
    "NUL in a trailer": ((400,), _chunked(b"2\r\nhi\r\n0\r\nX: a\0\r\n\r\n")),
    "a length as a trailer's look-alike": ((400,), _chunked(b"2\r\nhi\r\n0\r\n: 5\r\n\r\n")),
    "100 trailers": ((431,), _chunked(b"2\r\nhi\r\n0\r\n" + b"X: a\r\n" * 100 + b"\r\n")),
    "a broken escape": ((400,), _get("/a%2")),
    "a broken escape in absolute-form": ((400,), _get("http://a.test/%zz")),
    "a port that does not exist": ((400,), b"GET / HTTP/1.1\r\nHost: a.test:65536\r\n\r\n"),
    "port 0": ((400,), b"GET / HTTP/1.1\r\nHost: a.test:0\r\n\r\n"),
    "a Host of dots": ((400,), b"GET / HTTP/1.1\r\nHost: ..\r\n\r\n"),
    "a Host that begins with a dot": ((400,), b"GET / HTTP/1.1\r\nHost: .a.test\r\n\r\n"),
    "an IPv6 Host that is none": ((400,), b"GET / HTTP/1.1\r\nHost: [:::1]\r\n\r\n"),
    "CONNECT to a path": ((400, 501), _get("/a", method="CONNECT")),
    "PRI in HTTP/1.1's clothes": ((505,), b"PRI * HTTP/2.0\r\nHost: a.test\r\n\r\n"),
    "many empty lines": ((400,), b"\r\n" * 500 + _get("/x")),
}

PRIVATE = "/private"
SPELLINGS = r"""
    /private /private/ /private/x /private?x /./private /../private //private ///private/x /a/../private
    /a//../private /a/b/../../private /%70rivate /%2e/private /%2E%2e/private /a/%2e%2e/private
    /a/.%2e/private /a/%2e./private /a%2f..%2fprivate /a/..%2fprivate /..%2fprivate /%2fprivate
    /a%2F%2E%2E%2Fprivate /a/..%5cprivate /a\..\private \private /\private /%5cprivate /a/..\private
    /a\../private /private%2fx /private\x /private%5cx /a/..;/private /a/..;x=1/private /a/..%3b/private
    /a/%2e%2e;/private /.;/private /;/private /;x=1/private /%3b/private /a/;/../private
    /a/..;a/..;b/private /private;x/y /private;/ /private%00 /private%00.png /a%00/../private
    /%00/../private /x/..%00/private /private/../private /a/../../../private http://guard.test/private
    http://guard.test//private http://guard.test/a/../private http://guard.test/%70rivate
    http://guard.test/a/..%2fprivate HTTP://GUARD.TEST:80/./private /private#x /a#/../private
    /a?/../private /private/. /private/.. /PRIVATE/../private /a/..//private /a/.//../private
    /./;/private /a/;x/../../private /x/%2e%2e/%70%72%69vate /%2e%2e%2fprivate /%2e%2e%5cprivate
    /..%c0%afprivate /a/..%00/private
"""
GUARDED = tuple(SPELLINGS.split())
"""Targets that some app takes for something below /private, where only some clients may go."""
