"""What an app gets of a request: all of it, and nothing that it must not believe."""

import asyncio

import pytest

from proxy.model import RoutingConfig, Service
from proxy.table import Entrypoint, compile_table
from tests.proxy.wire.stage import Call, eventually, router, says, staged


async def echo(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    async for piece in call.pieces():
        await call.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    trailers = b"".join(f"{name}: {value}\r\n".encode() for name, value in call.trailers)
    await call.send(b"0\r\n" + trailers + b"\r\n")


async def test_the_head_arrives_as_it_was_sent_but_for_what_concerns_one_hop():
    async with staged() as stage:
        client = await stage.client()
        await client.ask(
            b"GET /a%20b?q=1%2F2&q=3 HTTP/1.1\r\nHost: App.Test\r\nX-Odd-CASE: 1\r\n"
            b"Cookie: a=1\r\nCookie: b=2\r\nConnection: X-Hop\r\nX-Hop: secret\r\n"
            b"X-Forwarded-For: 6.6.6.6\r\nProxy: evil\r\n\r\n"
        )
        call = stage.app.calls[0]
        assert call.line == "GET /a%20b?q=1%2F2&q=3 HTTP/1.1"
        assert ("X-Odd-CASE", "1") in call.fields
        assert [value for name, value in call.fields if name == "Cookie"] == ["a=1", "b=2"]
        assert (call.get("X-Hop"), call.get("Proxy")) == (None, None)
        assert call.get("X-Forwarded-For") == "127.0.0.1"
        assert call.get("X-Forwarded-Proto") == "http"
        assert (call.get("Transfer-Encoding"), call.get("Content-Length")) == (None, None)


async def test_bytes_beyond_ascii_pass_in_both_directions():
    async with staged(says(fields="X-Name: caf\xe9 \xff\r\n")) as stage:
        client = await stage.client()
        reply = await client.ask(b"GET / HTTP/1.1\r\nHost: app.test\r\nX-Name: caf\xc3\xa9 \x80\xff\r\n\r\n")
        assert stage.app.calls[0].get("X-Name") == "caf\xc3\xa9 \x80\xff"
        assert reply.get("X-Name") == "caf\xe9 \xff"


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
async def test_content_of_a_known_length_arrives_with_that_length(size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with staged(echo) as stage:
        client = await stage.client()
        reply = await client.ask(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n%b" % (size, body)
        )
        assert stage.app.calls[0].get("Content-Length") == str(size)
        assert reply.body == body
        record = await stage.record()
        assert (record.bytes_in, record.bytes_out) == (size, size)


async def test_chunked_content_arrives_with_its_trailers():
    async with staged(echo) as stage:
        client = await stage.client()
        reply = await client.ask(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: Chunked\r\nTrailer: X-Sum\r\n\r\n"
            b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 7\r\n\r\n"
        )
        assert stage.app.calls[0].trailers == [("X-Sum", "7")]
        assert reply.body == b"abc0123456789"
        assert reply.trailers == [("X-Sum", "7")]


async def test_content_is_passed_on_while_it_still_arrives():
    async with staged(echo) as stage:
        client = await stage.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.head()).status == 200
        for word in (b"one", b"two", b"three"):
            await client.send(b"%x\r\n%b\r\n" % (len(word), word))
            assert await client.chunk() == word
        await client.send(b"0\r\n\r\n")
        assert await client.chunk() == b""


async def test_a_client_that_leaves_takes_its_request_with_it():
    async def never(call: Call) -> None:
        await call.until_left()

    async with staged(never) as stage:
        client = await stage.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        call = await stage.app.call()
        client.close()
        async with asyncio.timeout(5):
            await call.left.wait()
        record = await stage.record()
        assert (record.status, record.fault) == (499, "the client left")


async def test_a_client_that_leaves_in_the_middle_of_its_content_does_not_complete_it():
    bodies = []

    async def reads(call: Call) -> None:
        bodies.append(await call.body())

    async with staged(reads) as stage:
        client = await stage.client()
        await client.send(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        )
        call = await stage.app.call()
        client.close()
        async with asyncio.timeout(5):
            await call.left.wait()
        assert bodies == []


async def test_an_invitation_to_send_comes_from_the_app():
    async def invites(call: Call) -> None:
        await call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await call.answer(await call.body())

    async with staged(invites) as stage:
        client = await stage.client()
        await client.send(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert (await client.head()).status == 100
        assert stage.app.calls[0].get("Expect") == "100-continue"
        reply = await client.ask(b"abc")
        assert (reply.status, reply.body, reply.get("Connection")) == (200, b"abc", None)


async def test_an_app_that_does_not_want_the_content_answers_without_it():
    async def refuses(call: Call) -> None:
        await call.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")

    async with staged(refuses) as stage:
        client = await stage.client()
        reply = await client.ask(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert (reply.status, reply.get("Connection")) == (413, "close")
        assert await client.closed()


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
async def test_our_own_answer_waits_for_no_content(expect):
    async with staged() as stage:
        client = await stage.client()
        reply = await client.ask(
            b"PUT / HTTP/1.1\r\nHost: nobody.test\r\n" + expect + b"Content-Length: 1000000\r\n\r\n"
        )
        assert (reply.status, reply.get("Connection")) == (404, "close")
        assert await client.closed()


async def test_an_early_answer_arrives_whole_while_the_client_still_sends():
    async def refuses(call: Call) -> None:
        await call.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await call.until_left()

    async with staged(refuses) as stage:
        client = await stage.client()
        await client.send(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1000
        )
        reply = await client.reply()
        assert (reply.status, reply.body) == (413, b"big")
        await client.send(b"x" * 2_999_000)
        assert (await client.ask(b"GET /n HTTP/1.1\r\nHost: nobody.test\r\n\r\n")).status == 404


async def test_a_service_without_servers_is_unavailable():
    def config(app):
        return RoutingConfig(
            routers={"app@test": router("app@test", "Host(`app.test`)", "app@test")},
            services={"app@test": Service("app@test")},
        )

    async with staged(config=config) as stage:
        client = await stage.client()
        reply = await client.ask(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        assert (reply.status, reply.get("Connection")) == (503, None)
        assert (await stage.record()).router == "app@test"


async def test_the_record_says_who_asked_what_of_whom():
    async with staged() as stage:
        client = await stage.client()
        await client.ask(b"GET /path?token=secret HTTP/1.1\r\nHost: app.test\r\n\r\n")
        record = await stage.record()
        assert (record.entrypoint, record.client, record.method) == ("web", "127.0.0.1", "GET")
        assert (record.host, record.path, record.status) == ("app.test", "/path", 200)
        assert (record.router, record.server) == ("app@test", f"http://127.0.0.1:{stage.app.port}")
        assert (record.bytes_out, record.fault, record.bug) == (2, "", None)
        assert 0 < record.duration < 5
        assert len(stage.records) == 1


async def test_a_new_table_serves_the_next_request_on_a_connection_that_is_already_open():
    async with staged() as stage:
        client = await stage.client()
        get = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
        assert (await client.ask(get)).status == 200
        before = stage.entrypoints.table
        stage.entrypoints.table = compile_table(RoutingConfig(), [Entrypoint(name="web", tls=False)])
        assert (await client.ask(get)).status == 404
        stage.entrypoints.table = before
        assert (await client.ask(get)).status == 200


async def test_a_challenge_is_answered_before_any_route():
    known = {"/.well-known/acme-challenge/token": b"token.key"}
    async with staged(answers=known.get) as stage:
        client = await stage.client()
        get = b"GET /.well-known/acme-challenge/%s HTTP/1.1\r\nHost: app.test\r\n\r\n"
        assert (await client.ask(get % b"token")).body == b"token.key"
        assert stage.app.calls == []
        assert (await client.ask(get % b"other")).body == b"ok"
        assert stage.app.calls[0].target == "/.well-known/acme-challenge/other"


async def test_nothing_is_left_behind():
    async with staged() as stage:
        client = await stage.client()
        await client.ask(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        client.close()
        await eventually(lambda: stage.entrypoints.connections == 0)
