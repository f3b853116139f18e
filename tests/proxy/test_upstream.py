"""Servers are asked over kept connections, and whatever they do, nobody gets another's answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from proxy.exchange import (
    Body,
    Empty,
    Fields,
    Request,
    RequestHead,
    Response,
    UpstreamError,
)
from proxy.model import Server
from proxy.upstream import Pool, Timeouts
from tests.proxy.corpus.upstream_behaviours import BAD, GOOD, SURPLUS, Behaviour
from tests.proxy.scripted_server import SECOND, scripted, ticks

QUICK = Timeouts(connect=1.0, first_byte=0.15, idle_body=0.15, keep_alive=5.0)
HOST: Fields = (("Host", "a.test"),)


@dataclass
class Sent:
    """A request's body made of pieces; an Event is waited for, an exception raised."""

    pieces: list[bytes | asyncio.Event | Exception]
    length: int | None = None
    trailers: Fields = ()
    taken: int = 0
    ended: bool = field(default=False, init=False)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            for piece in self.pieces:
                if isinstance(piece, asyncio.Event):
                    await piece.wait()
                elif isinstance(piece, Exception):
                    raise piece
                else:
                    self.taken += len(piece)
                    yield piece
        finally:
            self.ended = True


def request(method: str = "GET", target: str = "/", body: Body | None = None, **more: object) -> Request:
    head = RequestHead(
        method, target, HOST, "a.test", ip_address("192.0.2.1"), http10=bool(more.pop("http10", 0))
    )
    return Request(head, body or Empty(), **more)  # type: ignore[arg-type]


async def content(response: Response) -> bytes:
    if isinstance(response.body, bytes):
        return response.body
    return b"".join([piece async for piece in response.body])


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(QUICK)
    yield pool
    await pool.close()


async def outcome(pool: Pool, server: Server, case: Behaviour) -> tuple[object, ...]:
    interims: list[int] = []
    asked = request(case.method, inform=lambda head: interims.append(head.status))
    try:
        async with asyncio.timeout(5):
            response = await pool.ask(server, HOST, asked)
            body = await content(response)
    except UpstreamError as error:
        return (type(error),)
    trailers = () if isinstance(response.body, bytes) else response.body.trailers
    return body, response.status, trailers, tuple(interims)


def expected(case: Behaviour) -> tuple[object, ...]:
    return case.outcome, case.status, case.trailers, case.interims


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_answer_is_handed_over_whole(pool, name):
    case = GOOD[name]
    reused = case.reused
    script = [*case.script, "ask", SECOND] if reused else case.script
    async with scripted(script) as (stage, server):
        assert await outcome(pool, server, case) == expected(case)
        await ticks()
        assert await content(await pool.ask(server, HOST, request("POST"))) == b"second"
        assert stage.connections == (1 if reused else 2)


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_answer_is_an_error_and_reaches_nobody_else(pool, name):
    case = BAD[name]
    async with scripted(case.script) as (stage, server):
        (error,) = await outcome(pool, server, case)
        assert isinstance(error, type)
        assert issubclass(error, case.outcome)  # type: ignore[arg-type]
        assert await content(await pool.ask(server, HOST, request("POST"))) == b"second"
        assert stage.connections == 2


@pytest.mark.parametrize("name", SURPLUS)
async def test_a_byte_too_many_closes_the_connection_and_reaches_nobody(pool, name):
    case = SURPLUS[name]
    async with scripted(case.script) as (stage, server):
        assert await outcome(pool, server, case) == expected(case)
        await ticks(12)
        assert await content(await pool.ask(server, HOST, request("POST"))) == b"second"
        assert stage.connections == 2
