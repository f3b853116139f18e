"""Connections that live longer than one request, on both sides."""

import asyncio

import pytest

from tests.proxy.wire.stage import Call, eventually, says, sends, staged

GET = b"GET /%s HTTP/1.1\r\nHost: app.test\r\n\r\n"


async def test_a_client_may_ask_again_on_its_connection():
    async with staged() as stage:
        client = await stage.client()
        for number in range(5):
            reply = await client.ask(GET % str(number).encode())
            assert (reply.status, reply.body) == (200, b"ok")
        assert [call.target for call in stage.app.calls] == ["/0", "/1", "/2", "/3", "/4"]


async def test_the_connection_to_the_app_is_used_again():
    async with staged() as stage:
        for _ in range(5):
            client = await stage.client()
            await client.ask(GET % b"")
        assert stage.app.connections == 1


@pytest.mark.parametrize(
    ("request_bytes", "stays"),
    [
        (b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, Close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nHost: app.test\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
async def test_the_client_decides_whether_its_connection_stays(request_bytes, stays):
    async with staged() as stage:
        client = await stage.client()
        reply = await client.ask(request_bytes)
        assert reply.status == 200
        if stays:
            assert (await client.ask(request_bytes)).status == 200
            assert reply.get("Connection") in (None, "keep-alive")
            assert (reply.get("Connection") == "keep-alive") == (b"HTTP/1.0" in request_bytes)
        else:
            assert reply.get("Connection") == "close"
            assert await client.closed()


async def test_an_app_that_closes_its_connection_does_not_close_the_clients():
    async def closes(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        call.writer.close()

    async with staged(closes) as stage:
        client = await stage.client()
        for _ in range(3):
            reply = await client.ask(GET % b"")
            assert (reply.status, reply.get("Connection")) == (200, None)
        assert stage.app.connections == 3


async def test_pipelined_requests_are_answered_one_after_the_other_in_their_order():
    running = 0

    async def echo(call: Call) -> None:
        nonlocal running
        running += 1
        assert running == 1
        body = await call.body()
        await asyncio.sleep(0)
        running -= 1
        answer = call.target.encode() + b":" + body
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))

    async with staged(echo) as stage:
        client = await stage.client()
        post = b"POST /b HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\r\nxyz"
        chunked = (
            b"POST /c HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
        )
        await client.send(GET % b"a" + post + chunked + GET % b"d")
        bodies = [(await client.reply()).body for _ in range(4)]
        assert bodies == [b"/a:", b"/b:xyz", b"/c:hi", b"/d:"]


async def test_our_own_answers_keep_their_place_among_pipelined_ones():
    async with staged() as stage:
        client = await stage.client()
        other = b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n"
        await client.send(GET % b"" + other + GET % b"" + other)
        assert [(await client.reply()).status for _ in range(4)] == [200, 404, 200, 404]


async def test_many_pipelined_requests_do_not_fill_the_memory():
    asked = asyncio.Event()
    go_on = asyncio.Event()

    async def waits(call: Call) -> None:
        asked.set()
        await go_on.wait()
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with staged(waits) as stage:
        client = await stage.client()
        await client.send(GET % b"")
        await asked.wait()
        client.writer.write((GET % (b"x" * 7000)) * 1500)  # 10 MB
        connection = await stage.connection()
        await eventually(lambda: connection.wire.held)
        assert len(connection.dialogue._pending) < 256 * 1024
        go_on.set()
        for _ in range(1501):
            assert (await client.reply()).status == 200


async def test_an_extra_answer_on_an_idle_connection_never_reaches_the_next_client():
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"
    async with staged(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + poison)) as stage:
        for _ in range(6):
            client = await stage.client()
            assert (await client.ask(GET % b"")).body == b"ok"


async def test_an_extra_answer_that_comes_later_never_reaches_the_next_client():
    writers = []

    async def script(call: Call) -> None:
        writers.append(call.writer)
        await says(body=call.target.encode())(call)

    async with staged(script) as stage:
        for number in range(6):
            client = await stage.client()
            assert (await client.ask(GET % b"%d" % number)).body == b"/%d" % number
            writers[-1].write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON")
        assert len(stage.app.calls) == 6


async def test_a_request_that_an_app_dropped_on_a_kept_connection_is_asked_again():
    async def once_each(call: Call) -> None:
        await says()(call)
        call.writer.close()  # without having said so

    async with staged(once_each) as stage:
        client = await stage.client()
        for _ in range(5):
            assert (await client.ask(GET % b"")).status == 200


async def test_a_flood_of_requests_that_we_answer_ourselves_leaves_room_for_others():
    flood = b"GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n" * 5_000
    async with staged() as stage:
        floods = [await stage.client() for _ in range(4)]
        client = await stage.client()
        for each in floods:
            each.writer.write(flood)
        await eventually(lambda: len(stage.records) > 10)
        assert (await client.ask(b"GET /good HTTP/1.1\r\nHost: app.test\r\n\r\n")).status == 200
        assert len(stage.records) < 5_000  # of 20,000
        assert (await floods[0].reply()).status == 404


async def test_a_body_behind_many_requests_that_we_answer_ourselves_arrives_whole():
    flood = b"GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n" * 2_000
    body = b"x" * 200_000
    post = b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 200000\r\n\r\n"

    async def script(call: Call) -> None:
        await call.answer(b"%d" % len(await call.body()))

    async with staged(script) as stage:
        client = await stage.client()
        client.writer.write(flood + post + body + flood + post + body)
        for _ in range(2):
            for _ in range(2_000):
                assert (await client.reply()).status == 404
            assert (await client.reply()).body == b"200000"
