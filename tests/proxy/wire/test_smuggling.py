"""Requests that two readers could understand differently: refused, and no app ever sees a byte of them."""

import pytest

from tests.proxy.wire.stage import staged

HOST = b"Host: app.test\r\n"
GOOD = b"GET /good HTTP/1.1\r\nHost: app.test\r\n\r\n"

POST = b"POST / HTTP/1.1\r\n%b"
LAST = b"\r\n0\r\n\r\n"
REFUSED = {
    "both lengths": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    "both, the other way round": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "the same length twice": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of lengths": POST + b"Content-Length: 1, 1\r\n\r\na",
    "a signed length": POST + b"Content-Length: +1\r\n\r\na",
    "a hexadecimal length": POST + b"Content-Length: 0x1\r\n\r\na",
    "an endless length": POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\na",
    "an odd coding": POST + b"Transfer-Encoding: xchunked\r\n" + LAST,
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n" + LAST,
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + LAST,
    "a coding behind a tab": POST + b"Transfer-Encoding: \x0bchunked\r\n" + LAST,
    "a coding in 1.0": b"POST / HTTP/1.0\r\n%bTransfer-Encoding: chunked\r\n" + LAST,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n" + LAST,
    "a folded line": POST + b"Transfer-Encoding:\r\n chunked\r\n" + LAST,
    "a bare LF": POST + b"X: y\nContent-Length: 1\r\n\r\na",
    "only LFs": b"GET / HTTP/1.1\nHost: app.test\n\n",
    "a bare CR": POST + b"X: y\rContent-Length: 1\r\n\r\na",
    "a NUL": b"GET / HTTP/1.1\r\n%bX: a\x00b\r\n\r\n",
    "a NUL in a name": b"GET / HTTP/1.1\r\n%bX\x00: a\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\n%bnonsense\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\n%bHost: other.test\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nX: y\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: app.test/x\r\n\r\n",
    "no version": b"GET /\r\n%b\r\n",
    "version 0.9": b"GET / HTTP/0.9\r\n%b\r\n",
    "version 2.0": b"GET / HTTP/2.0\r\n%b\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\n%b\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\n%b\r\n",
    "a bad escape": b"GET /%%zz HTTP/1.1\r\n%b\r\n",
    "no method": b" / HTTP/1.1\r\n%b\r\n",
    "a method that is no token": b"GE(T / HTTP/1.1\r\n%b\r\n",
    "a tunnel": b"CONNECT app.test:443 HTTP/1.1\r\n%b\r\n",
    "a very long target": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n%b\r\n",
    "very many fields": b"GET / HTTP/1.1\r\n%b" + b"X: y\r\n" * 5000 + b"\r\n",
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("shape", REFUSED)
async def test_it_is_refused_and_reaches_no_app(shape):
    data = REFUSED[shape]
    data = data % HOST if b"%b" in data else data
    async with staged() as stage:
        client = await stage.client()
        await client.send(data + GOOD)
        reply = await client.reply()
        assert reply.status in (400, 405, 414, 431, 501, 505)
        assert reply.get("Connection") == "close"
        assert await client.closed()
        assert stage.app.calls == []
        record = await stage.record()
        assert (record.status, bool(record.fault)) == (reply.status, True)
        assert len(stage.records) == 1


BAD_CHUNKS = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a size with a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a size that overflows": b"ffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
    "a space after the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "a bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "a bare LF after the data": b"5\r\nhello\n0\r\n\r\n",
    "data longer than its size": b"5\r\nhello!\r\n0\r\n\r\n",
    "a bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a huge extension": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "a malformed trailer": b"5\r\nhello\r\n0\r\nX : y\r\n\r\n",
    "huge trailers": b"5\r\nhello\r\n0\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("shape", BAD_CHUNKS)
async def test_a_bad_chunk_ends_the_connection_and_no_app_takes_the_request_for_complete(shape):
    async with staged() as stage:
        client = await stage.client()
        await client.send(
            b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        )
        call = await stage.app.call()
        client.writer.write(BAD_CHUNKS[shape] + GOOD)
        reply = await client.reply()
        assert (reply.status in (400, 413, 431), reply.get("Connection")) == (True, "close")
        assert await client.closed()
        assert [call.target for call in stage.app.calls] == ["/"]
        await call.left.wait()


async def test_what_follows_a_refused_request_is_not_served():
    async with staged() as stage:
        client = await stage.client()
        await client.send(GOOD + b"GET / HTTP/1.1\r\nHost : x\r\n\r\n" + GOOD)
        assert (await client.reply()).status == 200
        assert (await client.reply()).status == 400
        assert await client.closed()
        assert len(stage.app.calls) == 1


async def test_a_request_is_understood_however_it_is_cut_into_pieces():
    whole = (
        b"POST /x HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;ext=1\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"
    )
    bodies = []

    async def script(call):
        bodies.append(await call.body())
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with staged(script) as stage:
        client = await stage.client()
        for octet in range(len(whole)):
            client.writer.write(whole[octet : octet + 1])
            await client.writer.drain()
        assert (await client.reply()).status == 200
        assert bodies == [b"hello"]
        assert stage.app.calls[0].trailers == [("X-T", "1")]
