"""Targets: what is hunted, each as one function of bytes; and what a hunt begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.fuzz.comparing import Finding, compare_chunks, compare_request, compare_response
from tests.proxy.corpus import chunked_bodies, request_heads, response_heads

WORDS = (
    "HTTP/1.1", "HTTP/1.0", "GET ", "POST ", "HEAD ", "OPTIONS *", "Host: a.test", "Content-Length: ",
    "Transfer-Encoding: chunked", "Connection: ", "close", "keep-alive", "upgrade", "Upgrade: ", "websocket",
    "h2c", "Expect: 100-continue", "TE: trailers", "http://a.test/", "X: ", "200 OK", "204 ", "304 ", "101 ",
    "\r\n", "\r\n\r\n", "\n", "\r", "\t", " ", ":", ",", ";", "0\r\n\r\n", "5\r\nhello\r\n", "\x00", "\x0b",
    "\x85", "\xa0", "\xff", "gzip, chunked", "_", "%2e", "..", "#", "?",
)  # fmt: skip
"""What a guided fuzzer would take long to spell by itself."""


class Target(NamedTuple):
    try_out: Callable[[bytes], bool]
    """Whether it was accepted, and so compared; Finding where the readers differ."""
    seeds: Callable[[], Iterable[bytes]]


def steered(data: bytes) -> tuple[bytes, int, list[int]]:
    """Bytes of a fuzzer as input, a choice, and where the input is cut: the last two octets say it."""
    if len(data) < 2:
        return data, 0, []
    return data[:-2], data[-1], [data[-2], data[-2] // 2, data[-1]]


def request(data: bytes) -> bool:
    raw, _, cuts = steered(data)
    return compare_request(raw, cuts)


def response(data: bytes) -> bool:
    raw, choice, cuts = steered(data)
    method = "HEAD" if choice % 4 == 0 else "GET"
    return compare_response(raw, method, "websocket" if choice % 8 == 1 else "", cuts)


def chunks(data: bytes) -> bool:
    raw, _, cuts = steered(data)
    return compare_chunks(raw, cuts)


def _steering(heads: Iterable[bytes]) -> Iterable[bytes]:
    return [raw + bytes((7, 3)) for raw in heads if len(raw) < 4096]


TARGETS = {
    "request": Target(
        request,
        lambda: _steering([*request_heads.GOOD.values(), *(raw for _, raw in request_heads.BAD.values())]),
    ),
    "response": Target(
        response,
        lambda: _steering(
            [*(answer.head for answer in response_heads.GOOD.values()), *response_heads.BAD.values()]
        ),
    ),
    "chunks": Target(
        chunks,
        lambda: _steering([*(raw for raw, *_ in chunked_bodies.GOOD.values()), *chunked_bodies.BAD.values()]),
    ),
}


def shrunk(target: Target, data: bytes, kind: str) -> bytes:
    """The shortest input found with the same difference, by leaving out pieces and then octets."""
    size = max(1, len(data) // 2)
    while size:
        at = 0
        while at < len(data):
            shorter = data[:at] + data[at + size :]
            if still(target, shorter, kind):
                data = shorter
            else:
                at += size
        size //= 2
    return data


def still(target: Target, data: bytes, kind: str) -> bool:
    try:
        target.try_out(data)
    except Finding as finding:
        return finding.kind == kind
    return False
