"""Servers are asked over kept connections, and whatever they do, nobody gets another's answer."""

from __future__ import annotations

import asyncio
import errno
import random
import ssl
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
import trustme

from proxy.exchange import (
    Body,
    Empty,
    Fields,
    NeverSent,
    Request,
    RequestHead,
    Response,
    ResponseHead,
    TimedOut,
    Truncated,
    UpstreamError,
)
from proxy.model import Server
from proxy.upstream import ConnectTimedOut, Pool, Timeouts, Unanswered
from tests.proxy.corpus.upstream_behaviours import BAD, CHUNKED, GOOD, HELLO, OK, POISON, SURPLUS, Behaviour
from tests.proxy.scripted_server import SECOND, black_hole, eventually, scripted, ticks

QUICK = Timeouts(connect=1.0, handshake=1.0, first_byte=1.0, idle_body=1.0, keep_alive=5.0)
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


async def failure(asking: Awaitable[Response]) -> BaseException | None:
    """What asking ends with, as a value."""
    try:
        await asking
    except Exception as error:
        return error
    return None


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(QUICK)
    yield pool
    await pool.close()


async def outcome(pool: Pool, server: Server, case: Behaviour) -> tuple[object, ...]:
    interims: list[int] = []
    asked = request(case.method, inform=lambda head: interims.append(head.status))
    try:
        async with asyncio.timeout(30):
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


# What is sent


@pytest.mark.parametrize(
    ("body", "arrives"),
    [
        (Sent([b"hello"], 5), b"Content-Length: 5\r\n\r\nhello"),
        (Sent([b"he", b"l", b"lo"], 5), b"Content-Length: 5\r\n\r\nhello"),
        (Sent([], 0), b"Content-Length: 0\r\n\r\n"),
        (Sent([b"hello"]), b"Transfer-Encoding: chunked\r\n\r\nhello"),
        (Sent([b"he", b"", b"llo"]), b"Transfer-Encoding: chunked\r\n\r\nhello"),
        (Sent([]), b"Transfer-Encoding: chunked\r\n\r\n"),
        (
            Sent([b"hello"], None, (("X-Sum", "1"), ("Host", "b.test"))),
            b"Transfer-Encoding: chunked\r\n\r\nhello|X-Sum: 1",
        ),
    ],
)
async def test_a_request_arrives_with_its_content(pool, body, arrives):
    async with scripted(["ask", "body", HELLO, "ask", SECOND]) as (stage, server):
        assert await content(await pool.ask(server, HOST, request("POST", "/p", body))) == b"hello"
        assert stage.requests == [b"POST /p HTTP/1.1\r\nHost: a.test\r\n" + arrives]
        await ticks()
        assert await content(await pool.ask(server, HOST, request())) == b"second"
        assert stage.connections == 1


async def test_a_request_without_host_names_the_server(pool):
    async with scripted(["ask", HELLO]) as (stage, server):
        await pool.ask(server, (), request(http10=True))
        assert stage.requests == [f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()]


async def test_content_of_many_megabytes_is_sent_with_the_pace_of_the_server():
    pool = Pool()
    gate = asyncio.Event()
    body = Sent([bytes(2**16)] * 512, 2**25)
    async with scripted([gate, "ask", "body", HELLO]) as (stage, server):
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(pool.ask(server, HOST, request("POST", "/", body)))
            await eventually(lambda: body.taken > 2**18)
            await asyncio.sleep(0.05)
            assert body.taken < 2**24, "the kernel's buffers and one of ours, not the whole of it"
            gate.set()
            assert await content(await asking) == b"hello"
        assert len(stage.requests[0]) > 2**25
        assert body.ended
    await pool.close()


@pytest.mark.parametrize(
    "body",
    [
        Sent([b"hel", Truncated("the client went")], 5),
        Sent([b"hel", Truncated("the client went")]),
        Sent([b"hel"], 5),
        Sent([b"hello!"], 5),
        Sent([b"hello", b"!"], 6 - 2),
    ],
    ids=["of a length", "in chunks", "shorter than said", "longer than said", "longer in its second piece"],
)
async def test_a_request_that_is_cut_short_never_looks_complete(pool, body):
    async with scripted(["ask", "body", HELLO]) as (stage, server):
        with pytest.raises(Truncated):
            await pool.ask(server, HOST, request("POST", "/", body))
        await eventually(lambda: stage.lost)
        assert not stage.requests[0].endswith(b"hello")


async def test_whatever_reading_the_request_raises_reaches_who_asked(pool):
    async with scripted(["ask", "body", HELLO]) as (stage, server):
        with pytest.raises(ZeroDivisionError):
            await pool.ask(server, HOST, request("POST", "/", Sent([b"a", ZeroDivisionError()], 5)))
        await eventually(lambda: stage.lost)


async def test_an_invitation_is_relayed_and_not_invented(pool):
    """RFC 9110 10.1.1: the client waits for the server's word, not for ours."""
    invited = asyncio.Event()
    seen: list[int] = []

    def inform(head: ResponseHead) -> None:
        seen.append(head.status)
        invited.set()

    gate = asyncio.Event()
    fields = (*HOST, ("Expect", "100-continue"))
    script = ["ask", gate, b"HTTP/1.1 100 Continue\r\n\r\n", "body", HELLO]
    async with scripted(script) as (stage, server), asyncio.TaskGroup() as group:
        asked = request("PUT", "/", Sent([invited, b"hello"], 5), inform=inform)
        asking = group.create_task(pool.ask(server, fields, asked))
        await eventually(lambda: stage.requests)
        await ticks()
        assert seen == []
        gate.set()
        assert await content(await asking) == b"hello"
        assert seen == [100]
        assert stage.requests[0].endswith(b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")


async def test_a_refused_expectation_ends_the_exchange(pool):
    refusal = b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno"
    async with scripted(["ask", refusal]) as (stage, server):
        asked = request("PUT", "/", Sent([asyncio.Event()], 5))
        response = await pool.ask(server, HOST, asked)
        assert (response.status, response.body) == (417, b"no")
        await eventually(lambda: not stage.open)  # what would follow might be the content or a request


async def test_interim_responses_do_not_reach_a_client_of_http10(pool):
    seen: list[int] = []
    async with scripted(["ask", b"HTTP/1.1 103 Early Hints\r\n\r\n" + HELLO]) as (_, server):
        asked = request(http10=True, inform=lambda head: seen.append(head.status))
        assert await content(await pool.ask(server, HOST, asked)) == b"hello"
        assert seen == []


async def test_a_client_that_cannot_be_informed_ends_the_exchange(pool):
    def inform(head: ResponseHead) -> None:
        raise ConnectionResetError("the client left")

    async with scripted(["ask", b"HTTP/1.1 103 Early Hints\r\n\r\n" + HELLO]) as (stage, server):
        with pytest.raises(ConnectionResetError):
            await pool.ask(server, HOST, request(inform=inform))
        await eventually(lambda: not stage.open)


# Early answers

EARLY = b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge"


@pytest.mark.parametrize("end", ["hang", "tick", "close", "reset"])
async def test_an_answer_before_the_request_is_out_is_delivered(pool, end):
    body = Sent([bytes(2**16)] * 64 + [asyncio.Event()], 2**30)
    async with scripted(["ask", EARLY, end]) as (stage, server):
        response = await pool.ask(server, HOST, request("POST", "/", body))
        assert (response.status, await content(response)) == (413, b"large")
        await eventually(lambda: body.ended and not stage.open)
        assert await content(await pool.ask(server, HOST, request("POST"))) == b"second"
        assert stage.connections == 2


async def test_an_early_answer_survives_the_reset_that_follows_it(pool):
    """The app answers and closes with unread content behind: the kernel sends a reset after the answer."""
    for _ in range(20):
        body = Sent([bytes(2**14)] * 2000, 2**14 * 2000)
        async with scripted(["ask", EARLY, "close"]) as (_, server):
            response = await pool.ask(server, HOST, request("POST", "/", body))
            assert (response.status, await content(response)) == (413, b"large")


async def test_content_flows_both_ways_at_once(pool):
    """An app may answer piece by piece what it reads piece by piece."""
    gate = asyncio.Event()
    body = Sent([b"a", gate, b"b"])
    async with scripted(["ask", CHUNKED + b"1\r\nA\r\n", "body", b"1\r\nB\r\n0\r\n\r\n", "ask", SECOND]) as (
        stage,
        server,
    ):
        response = await pool.ask(server, HOST, request("POST", "/", body))
        assert not isinstance(response.body, bytes)
        pieces = aiter(response.body)
        assert await anext(pieces) == b"A"
        gate.set()
        assert await anext(pieces) == b"B"
        assert [piece async for piece in pieces] == []
        assert await content(await pool.ask(server, HOST, request())) == b"second"
        assert stage.connections == 1


# Kept connections


async def test_connections_are_kept_and_used_again(pool):
    async with scripted(["ask", HELLO] * 50) as (stage, server):
        for _ in range(50):
            assert await content(await pool.ask(server, HOST, request())) == b"hello"
        assert stage.connections == 1


async def test_exchanges_at_the_same_time_have_a_connection_each(pool):
    gate = asyncio.Event()
    async with (
        scripted(*[["ask", gate, HELLO, "ask", SECOND]] * 10) as (stage, server),
        asyncio.TaskGroup() as group,
    ):
        asking = [group.create_task(pool.ask(server, HOST, request())) for _ in range(10)]
        await eventually(lambda: len(stage.requests) == 10)
        gate.set()
        assert [await content(await each) for each in asking] == [b"hello"] * 10
        assert await content(await pool.ask(server, HOST, request())) == b"second"
        assert stage.connections == 10


@pytest.mark.parametrize("end", ["close", "reset", "eof"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_an_idempotent_request_is_asked_again_where_a_kept_connection_ended(pool, method, end):
    async with scripted(["ask", HELLO, "ask", end]) as (stage, server):
        await pool.ask(server, HOST, request())
        response = await pool.ask(server, HOST, request(method))
        assert response.status == 200
        assert stage.connections == 2
        assert len(stage.requests) == 3


@pytest.mark.parametrize(
    ("asked", "script"),
    [
        (request("POST"), ["ask", "close"]),
        (request("PATCH"), ["ask", "close"]),
        (request("PUT", "/", Sent([b"a"], 1)), ["ask", "close"]),
        (request("GET", "/", Sent([b"a"])), ["ask", "close"]),
        (request("GET"), ["ask", b"H", "tick", "close"]),
        (request("GET"), ["ask", b"HTTP/1.1 100 Continue\r\n\r\n", "tick", "close"]),
    ],
    ids=["POST", "PATCH", "with content", "with chunks", "an octet of an answer came", "an interim came"],
)
async def test_what_may_have_been_done_is_not_asked_again(pool, asked, script):
    async with scripted(["ask", HELLO, *script]) as (stage, server):
        await pool.ask(server, HOST, request())
        with pytest.raises(UpstreamError) as lost:
            await pool.ask(server, HOST, asked)
        assert not isinstance(lost.value, NeverSent)
        assert stage.connections == 1


async def test_a_request_is_asked_again_once(pool):
    async with scripted(["ask", HELLO, "ask", "close"], ["ask", "close"]) as (stage, server):
        await pool.ask(server, HOST, request())
        with pytest.raises(Unanswered):
            await pool.ask(server, HOST, request())
        assert stage.connections == 2


async def test_a_new_connection_that_ends_is_not_asked_again(pool):
    async with scripted(["ask", "close"]) as (stage, server):
        with pytest.raises(Unanswered):
            await pool.ask(server, HOST, request())
        assert stage.connections == 1


@pytest.mark.parametrize("late", [POISON, b"!", b""], ids=["an answer", "an octet", "the end"])
async def test_what_the_loop_has_not_read_yet_is_seen_at_the_checkout(pool, late):
    async with scripted(["ask", HELLO]) as (stage, server):
        await pool.ask(server, HOST, request())
        stage.say_at_once(late)
        # Nothing is awaited in between, so the loop cannot have noticed.
        assert await content(await pool.ask(server, HOST, request("POST"))) == b"second"
        assert stage.connections == 2


async def test_a_connection_is_not_kept_longer_than_its_server_says():
    pool = Pool(Timeouts(keep_alive=60))
    answer = OK + b"Content-Length: 0\r\nKeep-Alive: timeout=1, max=9\r\n\r\n"
    async with scripted(["ask", answer]) as (stage, server):
        await pool.ask(server, HOST, request())
        await eventually(lambda: stage.lost == ["eof"])
    await pool.close()


async def test_an_idle_connection_ends_in_time():
    pool = Pool(Timeouts(keep_alive=0.05))
    async with scripted(["ask", HELLO]) as (stage, server):
        await pool.ask(server, HOST, request())
        assert stage.open == 1
        await eventually(lambda: stage.lost == ["eof"])
        assert not pool._connections
        assert not pool._idle
    await pool.close()


# Owners


async def test_a_container_that_goes_takes_its_idle_connections_with_it(pool):
    async with scripted(["ask", HELLO], owner="blog") as (stage, server):
        await pool.ask(server, HOST, request())
        pool.drop_owner("blog")
        await eventually(lambda: not stage.open)
        with pytest.raises(NeverSent):
            await pool.ask(server, HOST, request())
        assert stage.connections == 1


async def test_a_container_that_goes_takes_what_is_under_way_with_it(pool):
    async with scripted(["ask", "hang"], owner="blog") as (stage, server), asyncio.TaskGroup() as group:
        asking = group.create_task(failure(pool.ask(server, HOST, request())))
        await eventually(lambda: stage.requests)
        pool.drop_owner("other")
        await ticks()
        assert not asking.done()
        pool.drop_owner("blog")
        await ticks()
        assert asking.done()
        assert type(asking.result()) is UpstreamError


async def test_a_container_that_goes_cuts_its_answers_short(pool):
    async with scripted(["ask", OK + b"Content-Length: 9\r\n\r\nhello", "hang"], owner="blog") as (_, server):
        response = await pool.ask(server, HOST, request())
        pool.drop_owner("blog")
        with pytest.raises(Truncated):
            await content(response)


async def test_a_container_that_goes_while_it_is_connected_to_is_asked_nothing(pool):
    """The address of a dead container swallows packets, and may be another container's a moment later."""
    async with black_hole("blog") as server, asyncio.TaskGroup() as group:
        asking = group.create_task(failure(pool.ask(server, HOST, request())))
        await eventually(lambda: pool._connections)
        await asyncio.sleep(0.02)
        assert not asking.done()
        pool.drop_owner("blog")
        await eventually(asking.done)
        assert type(asking.result()) is NeverSent
        assert not pool._connections


async def test_a_container_that_was_started_again_is_asked_again(pool):
    async with scripted(["ask", HELLO], owner="blog") as (_, server):
        pool.drop_owner("blog")
        with pytest.raises(NeverSent):
            await pool.ask(server, HOST, request())
        pool.retain([Server("blog", "127.0.0.9", server.port)])
        with pytest.raises(NeverSent):  # started again, but at another address: this one may be anybody's
            await pool.ask(server, HOST, request())
        pool.retain([server])
        assert await content(await pool.ask(server, HOST, request())) == b"hello"
        pool.drop_owner("blog")
        with pytest.raises(NeverSent):
            await pool.ask(server, HOST, request())


async def test_two_owners_never_share_a_connection(pool):
    """An address is given to the next container at once."""
    async with scripted(["ask", HELLO], ["ask", SECOND]) as (stage, server):
        await pool.ask(server, HOST, request())
        heir = Server("heir", server.address, server.port)
        assert await content(await pool.ask(heir, HOST, request())) == b"second"
        assert stage.connections == 2


async def test_where_no_descriptor_is_left_idle_connections_to_others_make_room(pool):
    connected = pool.connected

    async def scarce(*arguments):
        if len(pool._connections) > 1:  # the new one is among them
            raise OSError(errno.EMFILE, "Too many open files")
        return await connected(*arguments)

    async with scripted() as (_, idle), scripted() as (_, other):
        assert await content(await pool.ask(idle, HOST, request())) == b"second"
        pool.connected = scarce
        assert await content(await pool.ask(other, HOST, request())) == b"second"
        assert [connection.server for connection in pool._connections] == [other]


async def test_a_server_that_leaves_the_table_loses_its_idle_connections_only(pool):
    gate = asyncio.Event()
    async with (
        scripted(["ask", HELLO], ["ask", gate, HELLO]) as (stage, server),
        asyncio.TaskGroup() as group,
    ):
        first = group.create_task(pool.ask(server, HOST, request()))
        busy = group.create_task(pool.ask(server, HOST, request()))
        await first
        await eventually(lambda: len(stage.requests) == 2)
        pool.retain([])
        await eventually(lambda: stage.open == 1)
        gate.set()
        assert await content(await busy) == b"hello"
        await eventually(lambda: stage.open == 0)


async def test_a_server_that_stays_in_the_table_keeps_its_connections(pool):
    async with scripted(["ask", HELLO] * 2) as (stage, server):
        await pool.ask(server, HOST, request())
        pool.retain([Server(server.owner, server.address, server.port, weight=7)])
        await pool.ask(server, HOST, request())
        assert stage.connections == 1


# Whoever asked


async def test_who_stops_waiting_for_an_answer_frees_the_connection(pool):
    async with scripted(["ask", "hang"]) as (stage, server), asyncio.TaskGroup() as group:
        asking = group.create_task(pool.ask(server, HOST, request("POST", "/", Sent([asyncio.Event()], 5))))
        await eventually(lambda: stage.requests)
        asking.cancel()
        await asyncio.wait({asking})
        await eventually(lambda: not stage.open and not pool._connections)


async def test_who_stops_while_connecting_leaves_nothing_behind(pool):
    async with black_hole() as server, asyncio.TaskGroup() as group:
        asking = group.create_task(pool.ask(server, HOST, request()))
        await eventually(lambda: pool._connections)
        asking.cancel()
        await asyncio.wait({asking})
        assert not pool._connections


async def test_who_stops_reading_frees_the_connection(pool):
    async with scripted(["ask", OK + b"Content-Length: 9\r\n\r\nhello", "hang"]) as (stage, server):
        response = await pool.ask(server, HOST, request())
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(content(response))
            await ticks()
            reading.cancel()
        await eventually(lambda: not stage.open)


async def test_an_answer_that_nobody_reads_does_not_hold_its_connection(pool):
    async with scripted(["ask", OK + b"Content-Length: 9\r\n\r\nhello", "hang"]) as (stage, server):
        response = await pool.ask(server, HOST, request())
        assert response.status == 200
        del response
        await eventually(lambda: not stage.open)


async def test_a_slow_reader_makes_the_server_wait():
    """And is not the server's fault: the time in which nothing moves does not count."""
    pool = Pool(Timeouts(idle_body=1.0))
    size = 2**25
    async with scripted(["ask", OK + b"Content-Length: %d\r\n\r\n" % size, bytes(size)]) as (_, server):
        response = await pool.ask(server, HOST, request())
        assert not isinstance(response.body, bytes)
        await asyncio.sleep(2)
        (connection,) = pool._connections
        incoming = response.body._incoming  # type: ignore[attr-defined]
        assert connection.held
        assert incoming._size < 2**18
        assert sum([len(piece) async for piece in response.body]) == size
    await pool.close()


async def test_an_answer_may_be_read_after_its_connection_went_on(pool):
    """The end of an answer frees the connection, not the end of its reading."""
    async with scripted(["ask", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", "ask", SECOND]) as (stage, server):
        first = await pool.ask(server, HOST, request())
        second = await pool.ask(server, HOST, request())
        assert (await content(second), await content(first)) == (b"second", b"hello")
        assert stage.connections == 1


# Time


async def test_interim_responses_do_not_restart_the_clock(pool):
    drip = ["tick", b"HTTP/1.1 102 Processing\r\n\r\n"]
    gates = [asyncio.Event() for _ in range(20)]
    script = ["ask", *(step for gate in gates for step in (gate, *drip))]
    async with scripted(script) as (_, server), asyncio.TaskGroup() as group:

        async def open_gates() -> None:
            for gate in gates:
                gate.set()
                await asyncio.sleep(0.1)

        opening = group.create_task(open_gates())
        with pytest.raises(TimedOut):
            await pool.ask(server, HOST, request())
        assert not opening.done()


async def test_octets_of_a_head_do_not_restart_the_clock(pool):
    head = [step for octet in OK + b"X: " + b"a" * 100 for step in (bytes((octet,)), asyncio.Event())]
    async with scripted(["ask", *head]) as (_, server), asyncio.TaskGroup() as group:

        async def open_gates() -> None:
            for step in head:
                if isinstance(step, asyncio.Event):
                    step.set()
                    await asyncio.sleep(0.02)

        opening = group.create_task(open_gates())
        with pytest.raises(TimedOut):
            await pool.ask(server, HOST, request())
        assert not opening.done()
        opening.cancel()


async def test_a_slow_request_may_take_longer_than_the_answer_to_it(pool):
    gates = [asyncio.Event() for _ in range(6)]
    body = Sent([each for gate in gates for each in (gate, b"a")], 6)
    async with scripted(["ask", "body", HELLO]) as (_, server), asyncio.TaskGroup() as group:

        async def open_gates() -> None:
            for gate in gates:
                await asyncio.sleep(0.2)
                gate.set()

        group.create_task(open_gates())
        assert await content(await pool.ask(server, HOST, request("POST", "/", body))) == b"hello"


async def test_a_slow_answer_may_take_any_time(pool):
    gates = [asyncio.Event() for _ in range(6)]
    script = ["ask", OK + b"Content-Length: 6\r\n\r\n", *(step for gate in gates for step in (gate, b"a"))]
    async with scripted(script) as (_, server), asyncio.TaskGroup() as group:

        async def open_gates() -> None:
            for gate in gates:
                await asyncio.sleep(0.2)
                gate.set()

        group.create_task(open_gates())
        assert await content(await pool.ask(server, HOST, request())) == b"aaaaaa"


async def test_an_event_stream_may_be_silent(pool):
    gate = asyncio.Event()
    events = OK + b"Content-Type: text/event-stream; charset=utf-8\r\n\r\n"
    async with scripted(["ask", events + b"data: 1\n\n", gate, b"data: 2\n\n", "close"]) as (_, server):
        response = await pool.ask(server, HOST, request())
        assert not isinstance(response.body, bytes)
        pieces = aiter(response.body)
        assert await anext(pieces) == b"data: 1\n\n"
        await asyncio.sleep(1.5)
        gate.set()
        assert await anext(pieces) == b"data: 2\n\n"


async def test_a_server_that_takes_nothing_of_a_request_is_too_slow(pool):
    body = Sent([bytes(2**16)] * 512, 2**25)
    async with scripted(["deaf"]) as (_, server):
        with pytest.raises(TimedOut):
            await pool.ask(server, HOST, request("POST", "/", body))
        await eventually(lambda: body.ended)


# All of it at once


async def answer_wildly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with its own target, in every manner, good and bad."""
    dice = random.Random(writer.get_extra_info("peername")[1])
    try:
        while True:
            target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]
            sized = OK + b"Content-Length: %d\r\n\r\n%b" % (len(target), target)
            chunks = CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(target), target)
            manner = dice.randrange(12)
            if manner < 5:
                writer.write(sized)
            elif manner < 8:
                for at in range(0, len(chunks), 7):
                    writer.write(chunks[at : at + 7])
                    await asyncio.sleep(0)
            elif manner == 8:
                writer.write(sized + sized)  # two answers
            elif manner == 9:
                writer.write(OK + b"Connection: close\r\n\r\n" + target)
                break
            elif manner == 10:
                writer.write(sized[: dice.randrange(len(sized))])
                break
            else:
                writer.transport.abort()
                return
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return  # the client closed
    finally:
        writer.close()


async def test_whatever_servers_do_everybody_gets_their_own_answer():
    listener = await asyncio.start_server(answer_wildly, "127.0.0.1", 0)
    server = Server("wild", "127.0.0.1", listener.sockets[0].getsockname()[1])
    pool = Pool()
    answered = failed = 0

    async def ask_in_turn(client: int) -> None:
        nonlocal answered, failed
        for turn in range(100):
            target = f"/{client}/{turn}/{'x' * (turn % 50)}"
            try:
                response = await pool.ask(server, HOST, request("POST", target))
                assert await content(response) == target.encode()
                answered += 1
            except UpstreamError:
                failed += 1

    async with asyncio.TaskGroup() as group:
        for client in range(20):
            group.create_task(ask_in_turn(client))
    assert answered > 1000
    assert failed > 100
    listener.close()
    await pool.close()
    await eventually(lambda: not pool._connections)


# Reaching a server


async def test_nobody_listens(pool):
    async with scripted() as (_, server):
        pass
    with pytest.raises(NeverSent) as refused:
        await pool.ask(server, HOST, request())
    assert refused.value.status == 502


async def test_packets_vanish():
    pool = Pool(Timeouts(connect=0.05))
    async with black_hole() as server:
        with pytest.raises(ConnectTimedOut) as lost:
            await pool.ask(server, HOST, request())
        assert lost.value.status == 504
        assert isinstance(lost.value, NeverSent)
        assert not pool._connections
    await pool.close()


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 70 + ".test"])
async def test_a_name_that_leads_nowhere(pool, name):
    with pytest.raises(NeverSent):
        await pool.ask(Server("blog", name, 80), HOST, request())


async def test_a_server_may_be_named(pool):
    async with scripted(["ask", HELLO]) as (_, server):
        named = Server("blog", "localhost", server.port)
        assert await content(await pool.ask(named, HOST, request())) == b"hello"


async def test_a_server_may_have_an_ipv6_address(pool):
    async with scripted(["ask", HELLO], host="::1") as (stage, server):
        assert await content(await pool.ask(server, (), request())) == b"hello"
        assert f"Host: [::1]:{server.port}\r\n".encode() in stage.requests[0]


async def test_a_closed_pool_asks_nobody():
    pool = Pool()
    async with scripted(["ask", HELLO]) as (stage, server):
        await pool.ask(server, HOST, request())
        await pool.close()
        await eventually(lambda: not stage.open)
        with pytest.raises(NeverSent):
            await pool.ask(server, HOST, request())


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def served_by(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
async def trusting(authority) -> AsyncIterator[Pool]:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    pool = Pool(QUICK, context)
    yield pool
    await pool.close()


async def test_an_https_server_is_asked(trusting, authority):
    tls = served_by(authority, "127.0.0.1")
    async with scripted(["ask", HELLO, "ask", "body", SECOND], tls=tls) as (stage, server):
        assert await content(await trusting.ask(server, HOST, request())) == b"hello"
        asked = request("POST", "/", Sent([b"hello"], 5))
        assert await content(await trusting.ask(server, HOST, asked)) == b"second"
        assert stage.connections == 1


async def test_an_https_server_that_stops_is_an_error(trusting, authority):
    tls = served_by(authority, "127.0.0.1")
    async with scripted(["ask", OK + b"Content-Length: 9\r\n\r\nhello", "close"], tls=tls) as (_, server):
        response = await trusting.ask(server, HOST, request())
        with pytest.raises(Truncated):
            await content(response)


async def test_bytes_out_of_turn_close_a_kept_https_connection(trusting, authority):
    tls = served_by(authority, "127.0.0.1")
    async with scripted(["ask", HELLO, "tick", POISON], tls=tls) as (stage, server):
        assert await content(await trusting.ask(server, HOST, request())) == b"hello"
        await ticks(12)
        assert await content(await trusting.ask(server, HOST, request("POST"))) == b"second"
        assert stage.connections == 2


async def test_a_certificate_of_another_name_is_refused(trusting, authority):
    async with scripted(["ask", HELLO], tls=served_by(authority, "other.test")) as (stage, server):
        with pytest.raises(NeverSent):
            await trusting.ask(server, HOST, request())
        assert stage.requests == []


async def test_a_certificate_that_nobody_vouches_for_is_refused(pool, authority):
    async with scripted(["ask", HELLO], tls=served_by(authority, "127.0.0.1")) as (stage, server):
        with pytest.raises(NeverSent):
            await pool.ask(server, HOST, request())
        assert stage.requests == []


async def test_a_server_without_tls_is_not_taken_for_one(trusting):
    async with scripted(["hang"]) as (_, server):
        with pytest.raises(NeverSent):
            await trusting.ask(Server("blog", server.address, server.port, "https"), HOST, request())
