"""Apps that speak HTTP/2 in the clear (h2c) are asked as those of HTTP/1.1 are."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, PingFrame, SettingsFrame, WindowUpdateFrame

from proxy import http2_line
from proxy.model import Server
from proxy.upstream import Timeouts
from proxy.upstream_wire import connected
from tests.proxy.wire.http2_app import PREFACE, Call, HTTP2App, Script, h2c, http2_app
from tests.proxy.wire.stage import App, Stage, eventually, says, staged

GET = b"GET /a?b=c HTTP/1.1\r\nHost: app.test\r\n\r\n"


def post(body: bytes, fields: bytes = b"") -> bytes:
    head = b"POST /up HTTP/1.1\r\nHost: app.test\r\n%bContent-Length: %d\r\n\r\n" % (fields, len(body))
    return head + body


async def ok(call: Call) -> None:
    await call.answer(await call.body() or b"ok")


@contextlib.asynccontextmanager
async def app_and_stage(
    script: Script = ok, *, proper: bool = True, timeouts: Timeouts | None = None, **settings: int
) -> AsyncIterator[tuple[HTTP2App, Stage]]:
    async with (
        http2_app(script, proper=proper, **settings) as app,
        staged(config=app.config, timeouts=timeouts) as stage,
    ):
        yield app, stage


async def test_a_request_arrives_as_http2_has_it() -> None:
    async with app_and_stage() as (app, stage):
        client = await stage.client()
        reply = await client.ask(
            b"GET /a?b=c HTTP/1.1\r\nHost: app.test\r\nX-Name: \xe9\r\nConnection: close, X-Hop\r\n"
            b"X-Hop: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\nUpgrade: websocket\r\nCookie: a=b\r\n\r\n"
        )
        assert (reply.status, reply.body) == (200, b"ok")
        [call] = app.calls
        assert call.fields[:4] == [
            (":method", "GET"), (":scheme", "http"), (":authority", "app.test"), (":path", "/a?b=c"),
        ]  # fmt: skip
        names = [name for name, _ in call.fields]
        assert names == [name.lower() for name in names]
        assert not {"host", "connection", "keep-alive", "te", "upgrade", "x-hop", "content-length"} & {*names}
        assert call.get("x-name") == "\xe9"
        assert call.get("x-forwarded-host") == "app.test"
        assert call.get("cookie") == "a=b"


async def test_what_is_secret_is_not_kept_in_the_memory_that_requests_share() -> None:
    async with app_and_stage() as (app, stage):
        client = await stage.client()
        secret = b"session=" + b"0123456789" * 5
        await client.ask(b"GET / HTTP/1.1\r\nHost: app.test\r\nCookie: %b\r\nX-Open: 1\r\n\r\n" % secret)
        entries = dict(app.lines[0].h2.decoder.header_table.dynamic_entries)
        assert b"x-open" in entries and b"cookie" not in entries
        assert app.calls[0].get("cookie") == secret.decode()


@pytest.mark.parametrize("size", [1, 16_384, 16_385, 65_536, 1_000_000])
async def test_content_of_any_size_goes_both_ways(size: int) -> None:
    async with app_and_stage() as (app, stage):
        client = await stage.client()
        body = random.Random(size).randbytes(size)
        async with asyncio.TaskGroup() as group:
            group.create_task(client.send(post(body)))
            assert (await client.reply()).body == body
        assert app.calls[0].get("content-length") == str(size)


async def test_content_without_a_length_goes_on_as_it_comes_with_its_trailers() -> None:
    async with app_and_stage() as (app, stage):
        client = await stage.client()
        await client.send(
            b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
        )
        call = await app.call()
        await eventually(lambda: call.got == 5)  # it does not wait for the end
        await client.send(b"0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n")
        reply = await client.reply()
        assert reply.body == b"hello"
        assert call.trailers == [("x-sum", "1")]
        assert call.get("content-length") is None


async def test_requests_share_a_connection_and_get_their_own_answers() -> None:
    waiting = asyncio.Event()

    async def script(call: Call) -> None:
        await waiting.wait()
        await call.answer(b"to " + (call.get(":path") or "").encode())

    async with app_and_stage(script) as (app, stage):
        clients = [await stage.client() for _ in range(30)]
        for number, client in enumerate(clients):
            await client.send(b"GET /%d HTTP/1.1\r\nHost: app.test\r\n\r\n" % number)
        await eventually(lambda: len(app.calls) == 30)
        waiting.set()
        for number, client in enumerate(clients):
            assert (await client.reply()).body == b"to /%d" % number
        assert len(app.lines) == 1


async def test_where_a_connection_is_full_another_one_is_opened() -> None:
    waiting = asyncio.Event()

    async def script(call: Call) -> None:
        await waiting.wait()
        await call.answer(b"ok")

    async with app_and_stage(script, max_concurrent_streams=4) as (app, stage):
        clients = [await stage.client() for _ in range(10)]
        for client in clients:
            await client.send(GET)
        await eventually(lambda: len(app.calls) == 10)
        assert [len(line.calls) for line in app.lines] == [4, 4, 2]
        assert stage.pool.busy(Server("app-1", "127.0.0.1", app.port, "h2c")) == 10
        waiting.set()
        assert [(await client.reply()).status for client in clients] == [200] * 10
        await eventually(lambda: stage.pool.busy(Server("app-1", "127.0.0.1", app.port, "h2c")) == 0)


async def test_content_that_the_app_does_not_read_holds_up_no_other_request() -> None:
    waiting = asyncio.Event()

    async def script(call: Call) -> None:
        if call.get(":path") == "/slow":
            await waiting.wait()
        await call.answer(b"%d" % len(await call.body()))

    async with app_and_stage(script) as (app, stage):
        slow, other = await stage.client(), await stage.client()
        await slow.send(
            b"POST /slow HTTP/1.1\r\nHost: app.test\r\nContent-Length: 70000\r\n\r\n" + bytes(70_000)
        )
        call = await app.call()
        await eventually(lambda: call.got == 65_535)
        assert (await other.ask(post(b"hello"))).body == b"5"
        assert len(app.lines) == 2
        waiting.set()
        assert (await slow.reply()).body == b"70000"


async def test_an_app_that_takes_no_requests_at_all_is_not_asked_for_ever() -> None:
    async with app_and_stage(max_concurrent_streams=0) as (app, stage):
        client = await stage.client()
        assert (await client.ask(GET)).status == 502
        assert not app.calls


async def test_a_client_waits_while_the_app_does_not_read() -> None:
    reading = asyncio.Event()

    async def script(call: Call) -> None:
        await reading.wait()
        await call.answer(b"%d" % len(await call.body()))

    async with (
        app_and_stage(script, initial_window_size=10_000) as (app, stage),
        asyncio.TaskGroup() as group,
    ):
        client = await stage.client(window=64 * 1024)
        size = 10_000_000
        sending = group.create_task(client.send(post(bytes(size))))
        call = await app.call()
        await eventually(lambda: call.got == 10_000)
        other = await stage.client()
        await other.send(GET)  # nobody else waits for that
        await app.call(1)
        await asyncio.sleep(0.1)
        assert call.got == 10_000 and not sending.done()
        reading.set()
        assert (await client.reply()).body == b"%d" % size
        assert (await other.reply()).body == b"0"


async def test_an_app_waits_while_a_client_does_not_read_and_no_other_request_does() -> None:
    sent = 0

    async def script(call: Call) -> None:
        nonlocal sent
        if call.get(":path") != "/big":
            await call.answer(b"small" * 10_000)
            return
        call.head(200)
        for _ in range(200):
            await call.data(bytes(100_000))
            sent += 100_000
        call.end()

    async with app_and_stage(script) as (app, stage):
        slow = await stage.client(window=16 * 1024)
        await slow.send(b"GET /big HTTP/1.1\r\nHost: app.test\r\n\r\n")
        await slow.head()
        before = -1
        while sent != before:  # until it stands still
            before = sent
            await asyncio.sleep(0.2)
        assert sent < 10_000_000
        quick = await stage.client()
        for _ in range(30):
            assert len((await quick.ask(GET)).body) == 50_000
        assert len(app.lines) == 1
        assert len(await slow.chunk()) > 0  # and it goes on


async def test_a_client_that_leaves_takes_its_request_with_it_and_no_other() -> None:
    async def script(call: Call) -> None:
        if call.get(":path") == "/stay":
            await call.answer(b"ok")
        elif call.get(":path") == "/begun":
            call.head(200)
            await call.data(b"some")

    async with app_and_stage(script) as (app, stage):
        for path in (b"/never", b"/begun"):
            client = await stage.client()
            await client.send(b"GET %b HTTP/1.1\r\nHost: app.test\r\n\r\n" % path)
            call = await app.call(len(app.calls))
            if path == b"/begun":
                await client.head()
            client.abort()
            await eventually(lambda call=call: call.reset is not None)
            assert call.reset == ErrorCodes.CANCEL
        other = await stage.client()
        assert (await other.ask(b"GET /stay HTTP/1.1\r\nHost: app.test\r\n\r\n")).status == 200
        assert len(app.lines) == 1


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 60_000])
async def test_what_was_refused_without_a_look_is_asked_again(body: bytes) -> None:
    async def script(call: Call) -> None:
        await call.body()
        if len(call.line.app.calls) < 3:
            call.refuse(ErrorCodes.REFUSED_STREAM)
        else:
            await call.answer(b"%d" % call.got)

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        assert (await client.ask(post(body))).body == b"%d" % len(body)
        assert len(app.calls) == 3


async def test_what_was_refused_and_is_not_here_any_more_fails() -> None:
    async def script(call: Call) -> None:
        await call.body()
        call.refuse(ErrorCodes.REFUSED_STREAM)

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        assert (await client.ask(post(bytes(200_000)))).status == 502
        assert len(app.calls) == 1


async def test_content_of_which_the_beginning_was_sent_is_never_taken_for_all_of_it() -> None:
    async def script(call: Call) -> None:
        await call.read()
        call.refuse(ErrorCodes.REFUSED_STREAM)

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        await client.send(
            b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        )
        assert (await client.reply()).status == 502
        assert len(app.calls) == 1


async def test_what_was_worked_on_is_not_asked_again() -> None:
    async def script(call: Call) -> None:
        call.refuse(ErrorCodes.INTERNAL_ERROR)

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        assert (await client.ask(GET)).status == 502
        assert len(app.calls) == 1


async def test_an_app_that_takes_its_leave_finishes_what_it_has_accepted() -> None:
    """The second request is above the number in the GOAWAY: it goes elsewhere, with its content."""
    finish = asyncio.Event()

    async def script(call: Call) -> None:
        if call.line is not call.line.app.lines[0]:
            await call.answer(await call.body() + b" elsewhere")
        elif call.number == 1:
            await finish.wait()
            await call.answer(b"accepted " * 10_000)
        else:
            await call.body()
            call.line.write(GoAwayFrame(last_stream_id=1, error_code=0).serialize())

    async with app_and_stage(script) as (app, stage):
        first, second, third = [await stage.client() for _ in range(3)]
        await first.send(GET)
        await app.call()
        assert (await second.ask(post(b"order"))).body == b"order elsewhere"
        assert (await third.ask(post(b"late"))).body == b"late elsewhere"
        finish.set()
        assert (await first.reply()).body == b"accepted " * 10_000
        assert len(app.lines) == 2
        await eventually(lambda: app.lines[0].writer.is_closing())


async def test_a_connection_that_ended_between_two_requests_is_nobodys_loss() -> None:
    async with app_and_stage() as (app, stage):
        client = await stage.client()
        for number in range(3):
            assert (await client.ask(post(b"x"))).status == 200
            app.lines[number].writer.close()
            await eventually(lambda: not stage.pool._multiplexed._lines)
        assert len(app.lines) == 3


@pytest.mark.parametrize(("request_", "status", "calls"), [(GET, 200, 2), (post(b"x"), 502, 1)])
async def test_a_connection_that_ends_just_as_we_ask(request_: bytes, status: int, calls: int) -> None:
    async def script(call: Call) -> None:
        if call.get(":path") == "/first" or call.line is not call.line.app.lines[0]:
            await ok(call)
        else:
            call.line.writer.close()

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        await client.ask(b"GET /first HTTP/1.1\r\nHost: app.test\r\n\r\n")
        assert (await client.ask(request_)).status == status
        assert len(app.calls) == 1 + calls


MALFORMED = {
    "a name in upper case": [(":status", "200"), ("X-Up", "1")],
    "a field of one connection": [(":status", "200"), ("connection", "close")],
    "a coding of another transfer": [(":status", "200"), ("transfer-encoding", "chunked")],
    "no status": [("x", "1")],
    "a status that is none": [(":status", "20")],
    "two of them": [(":status", "200"), (":status", "404")],
    "a request's field": [(":status", "200"), (":path", "/")],
    "the status behind others": [("x", "1"), (":status", "200")],
    "a line break in a value": [(":status", "200"), ("x", "1\r\nset-cookie: a=b")],
    "a NUL in a value": [(":status", "200"), ("x", "a\0b")],
    "a line break in a name": [(":status", "200"), ("x\r\ny", "1")],
    "a space in a name": [(":status", "200"), ("x y", "1")],
    "a space before a value": [(":status", "200"), ("x", " 1")],
    "a switch to another protocol": [(":status", "101"), ("upgrade", "x")],
    "two lengths": [(":status", "200"), ("content-length", "2"), ("content-length", "2")],
    "very many fields": [(":status", "200"), *[("x", "1")] * 201],
}


@pytest.mark.parametrize("lines", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_answer_is_none_and_costs_its_own_request_alone(
    lines: list[tuple[str, str]],
) -> None:
    held = asyncio.Event()

    async def script(call: Call) -> None:
        if call.get(":path") == "/held":
            await held.wait()
            await call.answer(b"fine")
            return
        block = call.line.h2.encoder.encode([(name.encode(), value.encode()) for name, value in lines])
        call.line.write(HeadersFrame(call.number, block, flags=["END_HEADERS"]).serialize())

    async with app_and_stage(script) as (app, stage):
        other, client = await stage.client(), await stage.client()
        await other.send(b"GET /held HTTP/1.1\r\nHost: app.test\r\n\r\n")
        await app.call()
        reply = await client.ask(GET)
        assert reply.status == 502
        assert reply.get("Set-Cookie") is None
        await eventually(lambda: app.calls[1].reset == ErrorCodes.PROTOCOL_ERROR)
        held.set()
        assert (await other.reply()).body == b"fine"


async def test_content_that_was_announced_and_does_not_come_is_no_whole_answer() -> None:
    begun = asyncio.Event()

    async def script(call: Call) -> None:
        call.head(200, ("content-length", "5"), end=call.get(":path") == "/none")
        await begun.wait()
        await call.data(b"ab", end=True)

    async with app_and_stage(script) as (_, stage):
        client = await stage.client()
        assert (await client.ask(b"GET /none HTTP/1.1\r\nHost: app.test\r\n\r\n")).status == 502
        await client.send(b"GET /less HTTP/1.1\r\nHost: app.test\r\n\r\n")
        await client.head()
        begun.set()
        assert len(await client.rest()) < 5


@pytest.mark.parametrize(
    "tables", [(2**32 - 1,), (0, 2**32 - 1), (2**30, 100), (100, 100), (2**20, 0, 2**20, 8192)]
)
async def test_what_an_app_has_us_remember_has_a_limit(tables: tuple[int, ...]) -> None:
    async with app_and_stage() as (app, stage):
        client = await stage.client()
        assert (await client.ask(GET)).status == 200
        line, [ours] = app.lines[0], stage.pool._multiplexed._all()
        for size in tables:
            line.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: size})
            line.flush()
        await eventually(lambda: line.h2.local_settings.header_table_size == tables[-1])
        for number in range(30):
            reply = await client.ask(
                b"GET /%d HTTP/1.1\r\nHost: app.test\r\nX-%d: %b\r\n\r\n" % (number, number, b"v" * 300)
            )
            assert reply.status == 200
        assert app.calls[-1].get("x-29") == "v" * 300
        assert len(app.lines) == 1
        table = ours._h2.encoder.header_table
        assert sum(32 + len(name) + len(value) for name, value in table.dynamic_entries) <= 4096
        assert ours._h2.encoder.header_table_size == min(tables[-1], 4096)


async def test_settings_that_mean_nothing_are_not_kept() -> None:
    async with app_and_stage() as (app, stage):
        client = await stage.client()
        assert (await client.ask(GET)).status == 200
        [ours] = stage.pool._multiplexed._all()
        known = len(ours._h2.remote_settings)
        for first in range(0x100, 0x2000, 0x100):
            settings = b"".join(code.to_bytes(2) + b"\0\0\0\1" for code in range(first, first + 0x100))
            app.lines[0].write(len(settings).to_bytes(3) + SettingsFrame(0).serialize()[3:] + settings)
        assert (await client.ask(GET)).status == 200
        assert len(ours._h2.remote_settings) == known
        assert len(app.lines) == 1


LENGTHS = {
    "HEAD with content": ("HEAD", 200, None),
    "HEAD with content of the length that it says": ("HEAD", 200, "4"),
    "204 with content": ("GET", 204, None),
    "304 with content": ("GET", 304, "4"),
    "304 with the length of the other": ("GET", 304, "9"),
    "less than announced": ("GET", 200, "9"),
    "more than announced": ("GET", 200, "3"),
    "no length": ("GET", 200, "four"),
    "two lengths": ("GET", 200, "4, 5"),
}


@pytest.mark.parametrize(("method", "status", "length"), LENGTHS.values(), ids=LENGTHS)
async def test_a_wrong_length_costs_its_own_request_alone(
    method: str, status: int, length: str | None
) -> None:
    held = asyncio.Event()

    async def script(call: Call) -> None:
        if call.get(":path") == "/held":
            await held.wait()
            await call.answer(b"fine")
            return
        call.head(status, *([("content-length", length)] if length else []))
        call.line.write(DataFrame(call.number, b"four", flags=["END_STREAM"]).serialize())

    async with app_and_stage(script, proper=False) as (app, stage):
        other, client = await stage.client(), await stage.client()
        await other.send(b"GET /held HTTP/1.1\r\nHost: app.test\r\n\r\n")
        await app.call()
        await client.send(f"{method} / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n".encode())
        reply = await client.rest()
        head, _, body = reply.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 502"):
            assert head.startswith(b"HTTP/1.1 %d" % status)
            assert body == (b"four" if (status, length) == (200, "9") else b"")
        held.set()
        assert (await other.reply()).body == b"fine"
        assert len(app.lines) == 1


@pytest.mark.parametrize(
    ("asks", "trailers"),
    [(b"TE: trailers\r\n", [("x-sum", "1")]), (b"", [])],
    ids=["who can take them", "who cannot"],
)
async def test_trailers_go_to_who_can_take_them(asks: bytes, trailers: list[tuple[str, str]]) -> None:
    async def script(call: Call) -> None:
        call.head(200)
        await call.data(b"ok")
        call.end(("x-sum", "1"), ("set-cookie", "a=b"))

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        reply = await client.ask(b"GET / HTTP/1.1\r\nHost: app.test\r\n%b\r\n" % asks)
        assert (reply.body, reply.trailers) == (b"ok", trailers)
        assert (app.calls[0].get("te") == "trailers") is bool(asks)


async def test_trailers_that_are_malformed_break_the_answer_off() -> None:
    async def script(call: Call) -> None:
        call.head(200)
        await call.data(b"ok")
        call.end((":status", "200"))

    async with app_and_stage(script, proper=False) as (_, stage):
        client = await stage.client()
        await client.send(GET)
        await client.head()
        assert b"0\r\n\r\n" not in await client.rest()


async def test_interim_answers_are_passed_on_as_they_come() -> None:
    async def script(call: Call) -> None:
        call.head(103, ("link", "</a.css>"))
        await call.read()
        await call.answer(b"ok")

    async with app_and_stage(script) as (_, stage):
        client = await stage.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\n\r\n")
        early = await client.head()
        assert (early.status, early.get("link")) == (103, "</a.css>")
        await client.send(b"hi")
        assert (await client.reply()).body == b"ok"


async def test_a_client_that_waits_to_be_invited_is() -> None:
    async def script(call: Call) -> None:
        call.head(100)
        await ok(call)

    async with app_and_stage(script) as (_, stage):
        client = await stage.client()
        fields = b"Expect: 100-continue\r\nContent-Length: 2\r\n"
        await client.send(b"POST / HTTP/1.1\r\nHost: app.test\r\n%b\r\n" % fields)
        assert (await client.head()).status == 100
        await client.send(b"hi")
        assert (await client.reply()).body == b"hi"


async def test_a_client_that_was_invited_late_is_not_the_apps_fault() -> None:
    async def script(call: Call) -> None:
        await asyncio.sleep(0.4)
        call.head(100)
        await ok(call)

    async with app_and_stage(script, timeouts=Timeouts(first_byte=1.0)) as (_, stage):
        client = await stage.client()
        fields = b"Expect: 100-continue\r\nContent-Length: 2\r\n"
        await client.send(b"POST / HTTP/1.1\r\nHost: app.test\r\n%b\r\n" % fields)
        assert (await client.head()).status == 100
        await asyncio.sleep(1.5)  # the app's time does not run while the client has the next step
        await client.send(b"hi")
        assert (await client.reply()).body == b"hi"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_answers_without_content(method: str, status: int) -> None:
    async def script(call: Call) -> None:
        length = [("content-length", "5")] if status != 204 else []
        call.head(status, *length, end=True)

    async with app_and_stage(script) as (_, stage):
        client = await stage.client()
        for _ in range(2):
            reply = await client.ask(f"{method} / HTTP/1.1\r\nHost: app.test\r\n\r\n".encode(), method)
            assert (reply.status, reply.get("Content-Length")) == (status, "5" if status != 204 else None)


async def test_an_early_answer_ends_the_request() -> None:
    async def script(call: Call) -> None:
        call.head(413, ("content-length", "5"))
        await call.data(b"large", end=True)

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000000\r\n\r\nbegun")
        reply = await client.reply()
        assert (reply.status, reply.body) == (413, b"large")
        await eventually(lambda: app.calls[0].reset == ErrorCodes.NO_ERROR)


async def test_an_app_that_does_not_speak_http2_gets_nothing_of_a_request() -> None:
    app = App(says(body=b"HTTP/1.1"))
    await app.start()
    try:
        async with staged(config=lambda _: h2c(Server("a", "127.0.0.1", app.port, "h2c"))) as stage:
            client = await stage.client()
            assert (await client.ask(post(b"secret"))).status == 502
            record = await stage.record()
            assert "HTTP/2" in record.fault
            assert [call.line for call in app.calls] == ["PRI * HTTP/2.0", "SM"]
            assert not any("secret" in str(call.fields) for call in app.calls)
    finally:
        app.stop()


async def test_nobody_there() -> None:
    async with staged(config=lambda _: h2c(Server("a", "127.0.0.1", 1, "h2c"))) as stage:
        client = await stage.client()
        assert (await client.ask(GET)).status == 502


async def test_one_that_is_down_is_passed_over() -> None:
    async with http2_app(ok) as app:
        servers = (Server("a", "127.0.0.1", 1, "h2c"), Server("b", "127.0.0.1", app.port, "h2c"))
        async with staged(config=lambda _: h2c(*servers)) as stage:
            client = await stage.client()
            for _ in range(4):
                assert (await client.ask(post(b"x"))).status == 200


async def test_an_app_that_never_answers() -> None:
    async def script(call: Call) -> None:
        await call.body()

    async with app_and_stage(script, timeouts=Timeouts(first_byte=1.0)) as (app, stage):
        client = await stage.client()
        assert (await client.ask(post(b"x"))).status == 504
        await eventually(lambda: app.calls[0].reset == ErrorCodes.CANCEL)


async def test_an_app_that_never_says_that_it_speaks_http2() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        config = h2c(Server("a", "127.0.0.1", port, "h2c"))
        async with staged(config=lambda _: config, timeouts=Timeouts(handshake=0.3)) as stage:
            client = await stage.client()
            assert (await client.ask(GET)).status == 504


@pytest.mark.parametrize(
    ("kind", "whole"), [("text/plain", False), ("text/event-stream", True), ("application/grpc+proto", True)]
)
async def test_an_app_that_stops_in_the_middle(kind: str, whole: bool) -> None:
    async def script(call: Call) -> None:
        call.head(200, ("content-type", kind))
        await call.data(b"some")
        await asyncio.sleep(2)
        await call.data(b"more", end=True)

    async with app_and_stage(script, timeouts=Timeouts(idle_body=0.5)) as (_, stage):
        client = await stage.client()
        await client.send(GET)
        await client.head()
        assert await client.chunk() == b"some"
        assert (b"more" in await client.rest()) is whole if not whole else await client.chunk() == b"more"


async def test_a_drip_of_interim_answers_does_not_last() -> None:
    async def script(call: Call) -> None:
        for _ in range(40):
            call.head(103)

    async with app_and_stage(script) as (_, stage):
        client = await stage.client()
        await client.send(GET)
        while (reply := await client.head()).status == 103:
            continue
        assert reply.status == 502


async def test_what_is_under_way_ends_with_its_container() -> None:
    async with app_and_stage(lambda call: call.body()) as (app, stage):
        client = await stage.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\n\r\nab")
        await app.call()
        stage.pool.drop_owner("app-1")
        assert (await client.reply()).status == 502
        other = await stage.client()
        assert (await other.ask(GET)).status == 502
        assert len(app.lines) == 1


async def test_a_server_that_is_in_no_table_any_more_finishes_what_it_has() -> None:
    finish = asyncio.Event()

    async def script(call: Call) -> None:
        await finish.wait()
        await call.answer(b"ok")

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        await client.send(GET)
        await app.call()
        stage.pool.retain(())
        finish.set()
        assert (await client.reply()).body == b"ok"
        await eventually(lambda: app.lines[0].writer.is_closing())


async def test_an_idle_connection_is_closed() -> None:
    async with app_and_stage(timeouts=Timeouts(keep_alive=0.2)) as (app, stage):
        client = await stage.client()
        await client.ask(GET)
        await eventually(lambda: app.lines[0].writer.is_closing())


async def test_an_app_that_asks_and_asks_and_reads_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_line, "FLOOD", 64 * 1024)
    monkeypatch.setattr(http2_line, "TALK", 1024 * 1024 * 1024)
    flood = PingFrame(0, b"12345678").serialize() * 10_000

    async def raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(PREFACE))
        writer.write(SettingsFrame(0).serialize())
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(flood)
                await writer.drain()
        writer.close()

    sock = socket.create_server(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server = await asyncio.start_server(raw, sock=sock, limit=1024)
    async with server:
        config = h2c(Server("a", "127.0.0.1", server.sockets[0].getsockname()[1], "h2c"))
        async with staged(config=lambda _: config) as stage:
            stage.pool.connected = narrow
            client = await stage.client()
            assert (await client.ask(GET)).status == 502
            assert (await stage.record()).fault


TALK = {
    "empty content": DataFrame(1, b"").serialize(),
    "padding": DataFrame(1, b"", pad_length=200, flags=["PADDED"]).serialize(),
    "pings": PingFrame(0, b"12345678").serialize(),
    "settings": SettingsFrame(0).serialize(),
    "windows": WindowUpdateFrame(0, window_increment=1).serialize(),
    "frames of no known kind": b"\0\0\0\x55\0\0\0\0\0",
}


@pytest.mark.parametrize("frame", TALK.values(), ids=TALK)
async def test_an_app_that_says_nothing_again_and_again_is_left(frame: bytes) -> None:
    async def script(call: Call) -> None:
        call.head(200)
        flood = frame * (128 * 1024 // len(frame))
        while call.reset is None:
            call.line.write(flood)
            await call.line.writer.drain()
            await asyncio.sleep(0)

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        await client.send(GET)
        await client.head()
        assert not (await client.rest()).endswith(b"0\r\n\r\n")
        assert len(app.lines) == 1


async def test_an_app_may_say_what_it_has_to_say_by_single_octets() -> None:
    async def script(call: Call) -> None:
        call.head(200)
        for number in range(20_000):
            while not call.line.h2.local_flow_control_window(call.number):
                await call.wait()
            call.line.h2.send_data(call.number, bytes((number % 256,)))
            if number % 100 == 0:
                call.line.flush()
                await call.line.writer.drain()
        call.end()

    async with app_and_stage(script) as (app, stage):
        client = await stage.client()
        assert (await client.ask(GET)).body == bytes(number % 256 for number in range(20_000))
        assert len(app.lines) == 1


async def narrow(address: str, port: int) -> socket.socket:
    """A connection into which little goes that nobody reads."""
    sock = await connected(address, port)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return sock


@pytest.mark.parametrize("seed", range(40))
async def test_any_octets_are_a_502_or_an_answer_and_never_a_fault_of_ours(seed: int) -> None:
    dice = random.Random(seed)

    async def script(call: Call) -> None:
        line = call.line
        good = [
            HeadersFrame(call.number, line.h2.encoder.encode([(":status", "200")]), flags=["END_HEADERS"]),
            DataFrame(call.number, b"hello"),
            DataFrame(call.number, b"", flags=["END_STREAM"]),
            PingFrame(0, b"12345678"),
            SettingsFrame(0, settings={4: dice.choice([0, 2**31 - 1])}),
            GoAwayFrame(last_stream_id=dice.choice([0, call.number]), error_code=0),
        ]
        octets = bytearray(b"".join(frame.serialize() for frame in dice.choices(good, k=6)))
        for _ in range(dice.randrange(4)):
            octets[dice.randrange(len(octets))] = dice.randrange(256)
        line.write(bytes(octets))
        await asyncio.sleep(0)
        line.writer.close()

    async with app_and_stage(script) as (_, stage):
        client = await stage.client()
        await client.send(post(b"x"))
        reply = await client.head()
        assert reply.status in (200, 502)
        record = await stage.record()
        assert record.bug is None
