from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from proxy.edited import edited
from proxy.exchange import Fields, RequestHead
from proxy.headers import to_server
from proxy.middlewares.addprefix import AddPrefix
from proxy.middlewares.headers import Headers
from proxy.middlewares.replacepath import ReplacePath
from proxy.middlewares.stripprefix import StripPrefix
from proxy.model import Server, Service
from proxy.writing import frame_request, write_request

FIELDS: Fields = (
    ("Host", "a.test"), ("User-Agent", "x"), ("Cookie", "a=b"), ("X-Bench", "0"), ("X-Forwarded-For", "::1"),
)  # fmt: skip
BEFORE = RequestHead("GET", "/item/1?q=%20", FIELDS, "a.test", ip_address("::1"))
SERVER = Server("o", "10.0.0.1", 80)


def carefully(head: RequestHead, length: int) -> bytes:
    fields = to_server(head, Service("s", (SERVER,)), SERVER)
    return write_request(head.method, head.target, fields, frame_request(head.method, length))


def lines(written: bytes | None) -> list[bytes]:
    assert written is not None and written.endswith(b"\r\n\r\n")
    first, *others = written[:-4].split(b"\r\n")
    return [first, *sorted(others)]


@pytest.mark.parametrize("length", [0, 5])
@pytest.mark.parametrize(
    "middleware",
    [
        AddPrefix(prefix="/up"),
        StripPrefix(prefixes=("/item",)),
        ReplacePath(path="/other"),
        Headers(custom_request_headers={"X-New": "caf\u00e9", "X-Other": "2"}),
        Headers(custom_response_headers={"X-New": "1"}),
    ],
)
def test_what_is_added_leaves_as_if_it_were_written_anew(middleware: object, length: int) -> None:
    before = replace(BEFORE, method="POST" if length else "GET")
    head = middleware.on_request(before)  # type: ignore[attr-defined]
    assert lines(edited(carefully(before, length), before, head, head.target)) == lines(
        carefully(head, length)
    )


@pytest.mark.parametrize(
    "head",
    [
        BEFORE.with_field("User-Agent", "y"),
        BEFORE.with_field("X-Bench", "1"),
        BEFORE.without("Cookie"),
        BEFORE.with_field("Host", "b.test"),
        BEFORE.with_field("Connection", "close"),
        BEFORE.with_field("content-length", "9"),
        BEFORE.with_field("Transfer-Encoding", "chunked"),
        BEFORE.with_field("Upgrade", "x"),
        BEFORE.with_field("Proxy-Authorization", "x"),
        replace(BEFORE, method="PUT"),
    ],
)
def test_what_takes_more_is_written_anew(head: RequestHead) -> None:
    assert edited(carefully(BEFORE, 0), BEFORE, head, head.target) is None


@pytest.mark.parametrize(
    ("head", "target"),
    [
        (BEFORE.with_field("X-New", "1\r\nX-Evil: 1"), "/"),
        (BEFORE.with_field("X-New", "a\0b"), "/"),
        (BEFORE.with_field("X New", "1"), "/"),
        (BEFORE, "/a b"),
        (BEFORE, "/a\r\nX-Evil: 1"),
        (BEFORE, "/\xe9"),
        (BEFORE, ""),
    ],
)
def test_what_may_not_leave_does_not(head: RequestHead, target: str) -> None:
    with pytest.raises(ValueError):
        edited(carefully(BEFORE, 0), BEFORE, head, target)
