"""The dashboard's own small server: one request, one answer, and the connection ends."""

import asyncio

import pytest
import structlog

from proxy.exchange import Response
from tidegate.dashboard import door
from tidegate.dashboard.door import opened


async def hello(asked) -> Response:
    if asked.target == "/bug":
        raise RuntimeError("a fault of ours")
    return Response(200, (("Content-Type", "text/plain"),), body=asked.target.encode())


async def said(address, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.01)
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("pieces", "status", "ends"),
    [
        ((b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n",), b"200", b"\r\n\r\n/x"),
        ((b"GET /x HT", b"TP/1.1\r\nHost: a\r\n", b"\r\n"), b"200", b"\r\n\r\n/x"),
        ((b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n",), b"200", b"Connection: close\r\n\r\n"),
        ((b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", b"y" * 50_000), b"200", b"/x"),
        ((b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",), b"200", b"/1"),
        ((b"GET /bug HTTP/1.1\r\nHost: a\r\n\r\n",), b"500", b"the log says what.\n"),
        ((b"nonsense\r\n\r\n",), b"400", b"This is no request.\n"),
        ((b"GET / HTTP/1.1\r\n\r\n",), b"400", b"This is no request.\n"),
        (
            (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: " + b"x" * 20_000 + b"\r\n\r\n",),
            b"431",
            b"no request.\n",
        ),
        ((b"GET /" + b"x" * 10_000,), b"414", b"This is no request.\n"),
    ],
)
async def test_what_is_sent_and_what_comes_back(pieces, status, ends):
    with structlog.testing.capture_logs() as logs:
        async with opened(hello, host="127.0.0.1", port=0) as (address,):
            answer = await said(address, *pieces)
    assert [line["event"] for line in logs] == ["the dashboard failed"] * (status == b"500")
    assert answer.split(b" ", 2)[1] == status
    assert answer.endswith(ends)
    assert b"Connection: close\r\n" in answer


async def test_a_client_that_says_nothing_is_let_go(monkeypatch):
    monkeypatch.setattr(door, "PATIENCE", 0.5)
    async with opened(hello, host="127.0.0.1", port=0) as (address,):
        assert await said(address, b"GET / HTTP/1.1\r\n") == b""
        assert (await said(address, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")).endswith(b"/x")


async def test_a_stop_waits_for_nobody_long(monkeypatch):
    monkeypatch.setattr(door, "SHUTDOWN", 0.05)
    async with asyncio.timeout(2), opened(hello, host="127.0.0.1", port=0) as (address,):
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\n")
        await asyncio.sleep(0.05)
    writer.close()


async def test_an_address_that_cannot_be_had_raises():
    async with opened(hello, host="127.0.0.1", port=0) as (address,):
        with pytest.raises(OSError, match="in use"):
            async with opened(hello, host="127.0.0.1", port=address.port):
                raise AssertionError("opened")
