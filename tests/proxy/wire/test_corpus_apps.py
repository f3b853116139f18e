"""Every app of the corpus behind real sockets: the client gets an answer, or sees that it got none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from proxy.exchange import TimedOut, Truncated
from proxy.limits import Limits
from proxy.model import RoutingConfig, Server, Service
from proxy.upstream import Timeouts
from tests.proxy.scripted_server import SECOND, ScriptedServer, Step, scripted
from tests.proxy.wire.corpus_apps import BEHAVIOURS, EARLY, LARGE
from tests.proxy.wire.corpus_reading import Malformed, Message, read_responses
from tests.proxy.wire.stage import Client, Stage, router, staged

QUICK = Limits(linger=0.2, unread=0.2, sweep=0.05)
IMPATIENT = Timeouts(first_byte=1.0, idle_body=1.0)


@asynccontextmanager
async def before(script: Sequence[Step]) -> AsyncIterator[tuple[Stage, ScriptedServer]]:
    def config(server: Server) -> RoutingConfig:
        return RoutingConfig(
            routers={"app@test": router("app@test", "Host(`a.test`)", "app@test")},
            services={"app@test": Service("app@test", (server,))},
        )

    async with (
        scripted(script) as (app, server),
        staged(config=lambda _: config(server), limits=QUICK, timeouts=IMPATIENT, grace=0.1) as stage,
    ):
        yield stage, app


async def answers(client: Client, method: str) -> tuple[list[Message], bool]:
    """The answers to one request, and whether they ended with a reset."""
    back, closed, reset = b"", False, False
    while not closed:
        try:
            async with asyncio.timeout(5):
                data = await client.reader.read(2**20)
        except ConnectionError:
            data, reset = b"", True
        back, closed = back + data, not data
        if b"\r\n\r\n" in back:
            try:
                found = read_responses(back, [method], closed and not reset)
            except Malformed:
                if closed:
                    raise
                continue  # maybe only half a head
            if found[-1].status >= 200 and found[-1].whole:
                return found, reset
    return read_responses(back, [method], closed=not reset), reset


async def second(client: Client) -> bytes:
    return (await client.ask(b"GET /second HTTP/1.1\r\nHost: a.test\r\n\r\n")).body


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_whatever_an_app_does_its_client_knows_and_the_next_one_does_not(
    name: str, version: str
) -> None:
    behaviour = BEHAVIOURS[name]
    script = [*behaviour.script, *["ask", SECOND] * 2] if behaviour.reused else behaviour.script
    async with before(script) as (stage, _):
        client = await stage.client()
        await client.send(f"{behaviour.method} /first HTTP/{version}\r\nHost: a.test\r\n\r\n".encode())
        (*interims, answer), reset = await answers(client, behaviour.method)
        if isinstance(behaviour.outcome, bytes):
            assert (answer.status, answer.body, answer.whole) == (behaviour.status, behaviour.outcome, True)
            assert tuple(each.status for each in interims) == (behaviour.interims if version == "1.1" else ())
        elif behaviour.outcome is Truncated:
            assert (answer.whole, reset) in ((False, False), (False, True)) or answer.status == 502
        else:
            assert answer.status == (504 if behaviour.outcome is TimedOut else 502)
            assert b"second" not in answer.body
        assert await second(await stage.client()) == b"second"
        if answer.whole and not answer.all("connection") and version == "1.1":
            assert await second(client) == b"second"


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("name", EARLY)
async def test_an_early_answer_arrives_and_the_rest_of_the_request_is_nobodys_next(
    name: str, chunked: bool
) -> None:
    script, status = EARLY[name]
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % LARGE
    content = b"x" * LARGE
    if chunked:
        content = b"%x\r\n%b\r\n0\r\n\r\n" % (LARGE, content)
    async with before(script) as (stage, app):
        client = await stage.client()
        client.writer.write(b"POST /large HTTP/1.1\r\nHost: a.test\r\n" + framing + b"\r\n\r\n" + content)
        (answer,) = [each for each in (await answers(client, "POST"))[0] if each.status >= 200]
        assert (answer.status, answer.whole) == (status, True)
        assert await second(await stage.client()) == b"second"
        assert app.connections == 2
