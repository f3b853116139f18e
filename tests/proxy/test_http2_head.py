from __future__ import annotations

import pytest

from proxy.exchange import Fields
from proxy.fields import BadHead
from proxy.http2_head import announced_length, read_head, read_trailers, request_lines, takes_trailers


def test_what_concerns_one_hop_is_left_out() -> None:
    fields: Fields = (
        ("Host", "app.test"), ("Connection", "TE"), ("TE", "trailers"), ("Transfer-Encoding", "chunked"),
        ("Keep-Alive", "5"), ("Upgrade", "x"), ("HTTP2-Settings", "x"), ("Proxy-Connection", "x"),
        ("Content-Length", "9"), ("X-Name", " \xe9 "),
    )  # fmt: skip
    assert request_lines("POST", "/a?b", fields, 3, "") == [
        (b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"app.test"), (b":path", b"/a?b"),
        (b"content-length", b"3"), (b"te", b"trailers"), (b"x-name", b"\xe9"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "target", "fields"),
    [
        ("GE T", "/", (("Host", "a"),)),
        ("GET", "/a b", (("Host", "a"),)),
        ("GET", "", (("Host", "a"),)),
        ("GET", "/\xe9", (("Host", "a"),)),
        ("GET", "/", ()),
        ("GET", "/", (("Host", ""),)),
        ("GET", "/", (("Host", "a"), ("host", "b"))),
        ("GET", "/", (("Host", "a"), ("X", "1\r\nY: 2"))),
        ("GET", "/", (("Host", "a"), ("X", "a\0"))),
        ("GET", "/", (("Host", "a"), (":path", "/b"))),
        ("GET", "/", (("Host", "a"), ("", "x"))),
    ],
)
def test_a_malformed_request_does_not_leave(method: str, target: str, fields: Fields) -> None:
    with pytest.raises(ValueError):
        request_lines(method, target, fields, 0, "")


def test_who_names_no_host_asks_the_server_by_its_address() -> None:
    assert (b":authority", b"10.0.0.1:80") in request_lines("GET", "/", (), 0, "10.0.0.1:80")


@pytest.mark.parametrize(
    ("method", "status", "lengths", "announced"),
    [
        ("GET", "200", ["5"], 5),
        ("GET", "200", [], None),
        ("GET", "200", ["0"], 0),
        ("HEAD", "200", ["5"], 0),
        ("GET", "304", ["5"], 0),
        ("GET", "204", [], 0),
        ("GET", "200", ["5", "5"], BadHead),
        ("GET", "200", ["+5"], BadHead),
        ("GET", "200", ["\xb2"], BadHead),
        ("GET", "200", [""], BadHead),
        ("GET", "200", ["9" * 19], BadHead),
    ],
)
def test_what_is_announced(method: str, status: str, lengths: list[str], announced: object) -> None:
    lines = [
        (b":status", status.encode()),
        *[(b"content-length", each.encode("latin-1")) for each in lengths],
    ]
    head = read_head(lines)
    if announced is BadHead:
        with pytest.raises(BadHead):
            announced_length(method, head)
    else:
        assert announced_length(method, head) == announced


def test_trailers_hold_nothing_that_belongs_into_a_head() -> None:
    lines = [(b"grpc-status", b"0"), (b"set-cookie", b"a=b"), (b"x-forwarded-for", b"::1")]
    assert read_trailers(lines) == (("grpc-status", "0"),)
    with pytest.raises(BadHead):
        read_trailers([(b":status", b"200")])
    with pytest.raises(BadHead):
        read_trailers([(b"x", b"1")] * 33)


@pytest.mark.parametrize(("te", "takes"), [("trailers", True), ("gzip", False), ("", False)])
def test_who_takes_trailers(te: str, takes: bool) -> None:
    assert takes_trailers((("te", te),)) is takes
