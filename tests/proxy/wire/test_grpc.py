"""A real app of gRPC behind the proxy: as browsers ask it, and as it says that it is well."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest

from proxy.balancing import CheckMode, CheckScheme, HealthCheck
from proxy.checking import is_well
from proxy.middlewares.grpcweb import GRPCWeb
from proxy.model import Server
from proxy.upstream import Pool
from proxy.values import Duration
from tests.proxy.wire.grpc_app import call, frame, grpc_app, read, request
from tests.proxy.wire.http2_app import h2c
from tests.proxy.wire.stage import Stage, eventually, staged

ORIGIN = "https://page.test"
CHECK = HealthCheck(mode=CheckMode("grpc"), timeout=Duration(2))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    with grpc_app() as port:
        config = h2c(Server("app", "127.0.0.1", port, "h2c"))
        routes = {"app@test": replace(config.routers["app@test"], middlewares=("web@test",))}
        web = {"web@test": GRPCWeb(allow_origins=(ORIGIN,))}
        async with staged(config=lambda _: replace(config, routers=routes, middlewares=web)) as stage:
            yield stage


@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
async def test_one_question_and_one_answer(stage: Stage, text: bool) -> None:
    client = await stage.client()
    for name in (b"", b"you", b"x" * 100_000):
        answer = await call(client, "Hello", name, text=text, fields="X-User: me\r\n")
        assert answer.messages == [b"hello " + name]
        assert (answer.status, answer.trailers["x-user"]) == ("0", "me")
        assert answer.reply.trailers == []


@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
async def test_a_refusal(stage: Stage, text: bool) -> None:
    client = await stage.client()
    answer = await call(client, "Refuse", b"", text=text)
    assert (answer.reply.status, answer.messages, answer.status) == (200, [], "5")
    assert "%E2%98%83" in (answer.trailers.get("grpc-message") or answer.reply.get("grpc-message") or "")
    assert (await call(client, "Nothing", b"", text=text)).status == "12"


@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
async def test_many_answers_come_one_by_one(stage: Stage, text: bool) -> None:
    client = await stage.client()
    answer = await call(client, "Count", b"200", text=text)
    assert answer.messages == [b"%d" % number for number in range(200)]
    assert answer.status == "0"
    await client.send(request("Count", b"3+", text=text))
    reply = await client.head()
    assert reply.get("Content-Type") == ("application/grpc-web-text" if text else "application/grpc-web")
    come = b""
    while len(read(reply, come).messages) < 3:  # though the app says no more for now
        piece = await client.chunk()
        come += b64decode(piece, validate=True) if text else piece
    client.abort()


async def test_a_page_that_leaves_ends_what_the_app_does(stage: Stage) -> None:
    client = await stage.client()
    await client.send(request("Count", b"1+"))
    await client.head()
    await client.chunk()
    [[line]] = stage.pool._multiplexed._lines.values()
    assert line.busy == 1
    client.abort()
    await eventually(lambda: line.busy == 0)
    assert (await call(await stage.client(), "Hello", b"again")).messages == [b"hello again"]


async def test_many_questions_in_one_request(stage: Stage) -> None:
    client = await stage.client()
    body = frame(b"x" * 1000) * 500
    await client.send(
        b"POST /demo.Demo/Total HTTP/1.1\r\nHost: app.test\r\nContent-Type: application/grpc-web\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    for start in range(0, len(body), 7001):
        piece = body[start : start + 7001]
        await client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    reply = await client.ask(b"0\r\n\r\n")
    assert read(reply, reply.body).messages == [b"500000"]


async def test_what_is_no_base64_reaches_no_method(stage: Stage) -> None:
    client = await stage.client()
    head = b"POST /demo.Demo/Hello HTTP/1.1\r\nHost: app.test\r\nContent-Type: application/grpc-web-text\r\n"
    reply = await client.ask(head + b"Content-Length: 8\r\n\r\nAAAAAA%%")
    assert reply.status == 400


async def test_a_page_asks_first_and_reads_then(stage: Stage) -> None:
    client = await stage.client()
    reply = await client.ask(
        f"OPTIONS /demo.Demo/Hello HTTP/1.1\r\nHost: app.test\r\nOrigin: {ORIGIN}\r\n"
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-grpc-web\r\n\r\n".encode(),
        "OPTIONS",
    )
    assert (reply.status, reply.get("Access-Control-Allow-Origin")) == (204, ORIGIN)
    answer = await call(client, "Hello", b"page", fields=f"Origin: {ORIGIN}\r\n")
    assert answer.messages == [b"hello page"]
    assert answer.reply.get("Access-Control-Allow-Origin") == ORIGIN
    assert "grpc-status" in (answer.reply.get("Access-Control-Expose-Headers") or "")


async def test_grpc_itself_over_http11_has_its_trailers(stage: Stage) -> None:
    client = await stage.client()
    body = frame(b"you")
    reply = await client.ask(
        b"POST /demo.Demo/Hello HTTP/1.1\r\nHost: app.test\r\nContent-Type: application/grpc\r\n"
        b"TE: trailers\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert reply.body == frame(b"hello you")
    assert dict(reply.trailers)["grpc-status"] == "0"


async def test_fifty_pages_at_a_time_share_a_connection(stage: Stage) -> None:
    async def ask(number: int) -> None:
        client = await stage.client()
        for turn in range(5):
            name = b"%d %d" % (number, turn)
            assert (await call(client, "Hello", name, text=bool(number % 2))).messages == [b"hello " + name]

    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(ask(number))
    [lines] = stage.pool._multiplexed._lines.values()
    assert len(lines) == 1


def says(message: bytes) -> Any:
    return lambda question, context: message if question == b"" else b""


def fails(question: bytes, context: Any) -> bytes:
    context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
    raise AssertionError


@pytest.mark.parametrize(
    ("health", "well"),
    [(says(b"\x08\x01"), True), (says(b"\x08\x02"), False), (says(b""), False), (says(b"\x08"), False),
     (says(bytes(10_000)), False), (fails, False), (None, False)],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["h2c", "http"])
async def test_a_server_says_whether_it_is_well(health: Any, well: bool, scheme: str) -> None:
    pool = Pool()
    try:
        with grpc_app(health) as port:
            server = Server("app", "127.0.0.1", port, scheme)
            assert await is_well(pool, server, CHECK) is well
            elsewhere = replace(server, port=1)
            assert not await is_well(pool, elsewhere, CHECK)
            assert await is_well(pool, elsewhere, replace(CHECK, port=port)) is well
    finally:
        await pool.close()


async def test_a_check_by_grpc_is_made_without_tls() -> None:
    with pytest.raises(ValueError):
        replace(CHECK, scheme=CheckScheme("https"))
