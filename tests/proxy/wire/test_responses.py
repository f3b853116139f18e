"""What a client gets of an app's answer."""

import asyncio
import socket

import pytest

from proxy.model import RoutingConfig, Server, Service
from tests.proxy.wire.stage import Call, Script, eventually, one_app, router, says, sends, staged

GET = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n"
GET_10 = b"GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\nX-Sum: 7\r\n\r\n"


async def test_nothing_is_added_to_the_apps_answer():
    answer = b"HTTP/1.1 200 OK\r\nX-b: 1\r\nx-A: 2\r\nContent-Length: 2\r\n\r\nok"
    async with staged(sends(answer)) as stage:
        client = await stage.client()
        reply = await client.ask(GET)
        assert reply.line == "HTTP/1.1 200 OK"
        assert sorted(reply.fields) == [("Content-Length", "2"), ("X-b", "1"), ("x-A", "2")]


async def test_fields_that_concern_one_hop_stay_with_us():
    hop = "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"
    fields = hop + "X-End: 1\r\n"
    async with staged(says(fields=fields)) as stage:
        client = await stage.client()
        reply = await client.ask(GET)
        assert {name for name, _ in reply.fields} == {"X-End", "Content-Length"}


async def test_several_lines_of_one_name_stay_several():
    async with staged(says(fields="Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n")) as stage:
        client = await stage.client()
        reply = await client.ask(GET)
        assert [value for name, value in reply.fields if name == "Set-Cookie"] == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("404 Nothing here", "HTTP/1.1 404 Nothing here"),
        ("418 I'm a teapot", "HTTP/1.1 418 I'm a teapot"),
    ],
)
async def test_the_status_is_the_apps(line, seen):
    async with staged(says(line)) as stage:
        client = await stage.client()
        assert (await client.ask(GET)).line == seen


async def test_chunked_content_is_chunked_again_with_its_trailers():
    async with staged(sends(CHUNKED)) as stage:
        client = await stage.client()
        for _ in range(2):
            reply = await client.ask(GET)
            assert (reply.body, reply.trailers) == (b"ok!", [("X-Sum", "7")])
            assert reply.get("Content-Length") is None


async def test_http_1_0_gets_no_chunks_but_the_end_of_the_connection():
    async with staged(sends(CHUNKED)) as stage:
        client = await stage.client()
        reply = await client.ask(GET_10)
        assert (reply.body, reply.get("Transfer-Encoding"), reply.get("Connection")) == (
            b"ok!",
            None,
            "close",
        )


async def test_content_that_ends_with_the_apps_connection_is_chunked():
    async def until_close(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\n\r\nall there is")
        call.writer.close()

    async with staged(until_close) as stage:
        client = await stage.client()
        for _ in range(2):
            reply = await client.ask(GET)
            assert (reply.body, reply.get("Transfer-Encoding")) == (b"all there is", "chunked")


@pytest.mark.parametrize(
    ("request_bytes", "answer", "length"),
    [
        (HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", "5000"),
        (HEAD, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (HEAD, b"HTTP/1.1 200 OK\r\n\r\n", None),
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n", None),
        (GET, b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', None),
        (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n", "5000"),
        (HEAD, b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n", "9"),
    ],
)
async def test_answers_without_content_end_with_their_head(request_bytes, answer, length):
    async with staged(sends(answer)) as stage:
        client = await stage.client()
        for _ in range(3):
            reply = await client.ask(request_bytes, method=request_bytes[:4].decode().strip())
            assert reply.line == answer.split(b"\r\n")[0].decode()
            assert reply.get("Content-Length") == length


async def test_our_own_answer_to_head_has_no_content():
    async with staged() as stage:
        client = await stage.client()
        for _ in range(3):
            reply = await client.ask(b"HEAD / HTTP/1.1\r\nHost: nobody.test\r\n\r\n", method="HEAD")
            assert reply.status == 404
            assert int(reply.get("Content-Length") or 0) > 0


async def test_events_arrive_one_by_one_while_the_answer_goes_on():
    more: asyncio.Queue[bytes] = asyncio.Queue()

    async def events(call: Call) -> None:
        await call.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        while event := await more.get():
            await call.send(b"%x\r\n%b\r\n" % (len(event), event))
        await call.send(b"0\r\n\r\n")

    async with staged(events) as stage:
        client = await stage.client()
        await client.send(GET)
        assert (await client.head()).status == 200  # before any event
        for number in range(3):
            more.put_nowait(b"data: %d\n\n" % number)
            assert await client.chunk() == b"data: %d\n\n" % number
        more.put_nowait(b"")
        assert await client.chunk() == b""


async def test_interim_answers_are_passed_on_at_once():
    go_on = asyncio.Event()

    async def hints(call: Call) -> None:
        await call.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        await go_on.wait()
        await says()(call)

    async with staged(hints) as stage:
        client = await stage.client()
        await client.send(GET)
        hint = await client.head()
        assert (hint.line, hint.get("Link")) == ("HTTP/1.1 103 Early Hints", "</a.css>; rel=preload")
        go_on.set()
        assert (await client.reply()).status == 200
        old = await stage.client()
        assert (await old.ask(GET_10)).status == 200


CUT_SHORT = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n0\r\n",
]


def cuts(answer: bytes) -> Script:
    async def cut(call: Call) -> None:
        await call.send(answer)
        call.writer.close()

    return cut


@pytest.mark.parametrize("answer", CUT_SHORT)
async def test_an_answer_that_is_cut_short_never_looks_complete(answer):
    async with staged(cuts(answer)) as stage:
        client = await stage.client()
        await client.send(GET)
        assert (await client.head()).status == 200
        rest = await client.rest()
        assert len(rest) < 100
        assert not rest.endswith(b"0\r\n\r\n")
        record = await stage.record()
        assert (record.status, bool(record.fault), record.bug) == (200, True, None)


async def test_an_answer_that_turns_into_nonsense_never_looks_complete():
    go_on = asyncio.Event()

    async def turns(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n")
        await go_on.wait()
        await call.send(b"zz\r\n0\r\n\r\n")

    async with staged(turns) as stage:
        client = await stage.client()
        await client.send(GET)
        assert (await client.head()).status == 200
        assert await client.chunk() == b"beginning"
        go_on.set()
        assert await client.rest() == b""
        assert (await stage.record()).fault


async def test_what_came_of_an_answer_that_is_cut_short_is_delivered():
    async with staged(cuts(CUT_SHORT[0])) as stage:
        client = await stage.client()
        await client.send(GET)
        assert (await client.rest()).endswith(b"\r\n\r\nbeginning")


@pytest.mark.parametrize("answer", CUT_SHORT[1:])
async def test_where_only_the_end_of_the_connection_ends_an_answer_a_cut_is_a_reset(answer):
    async with staged(cuts(answer)) as stage:
        client = await stage.client()
        await client.send(GET_10)
        with pytest.raises(ConnectionResetError):
            await client.rest()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_bad_gateway(answer):
    async def junk(call: Call) -> None:
        await call.send(answer)
        call.writer.close()

    async with staged(junk) as stage:
        client = await stage.client()
        reply = await client.ask(GET)
        assert reply.status == 502
        assert b"127.0.0.1" not in reply.body
        record = await stage.record()
        assert (record.status, bool(record.fault), record.bug) == (502, True, None)
        assert (await client.ask(b"GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n")).status == 404


async def test_a_server_that_is_not_there_is_a_bad_gateway():
    async with staged() as stage:
        stage.app.stop()
        await eventually(lambda: not stage.app._server.is_serving())
        client = await stage.client()
        assert (await client.ask(GET)).status == 502


async def test_another_server_is_asked_when_the_first_cannot_be_reached():
    async with staged() as gone:
        refused = Server("gone", "127.0.0.1", gone.app.port)

    def config(app):
        service = Service("app@test", (refused, Server("there", "127.0.0.1", app.port)))
        return RoutingConfig(
            routers={"app@test": router("app@test", "Host(`app.test`)", "app@test")},
            services={"app@test": service},
        )

    async def echo(call: Call) -> None:
        await call.answer(await call.body())

    async with staged(echo, config=config) as stage:
        client = await stage.client()
        for _ in range(4):
            reply = await client.ask(b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\r\nabc")
            assert (reply.status, reply.body) == (200, b"abc")
        assert {record.server for record in stage.records} == {f"http://127.0.0.1:{stage.app.port}"}


async def test_a_fault_of_our_own_is_a_500_and_its_traceback_is_for_the_log():
    class Broken:
        def on_request(self, request):
            raise ZeroDivisionError("a bug")

    def config(app):
        whole = one_app(app)
        with_bug = router("app@test", "Host(`app.test`)", "app@test", middlewares=("bug@test",))
        return RoutingConfig(
            routers={"app@test": with_bug}, services=whole.services, middlewares={"bug@test": Broken()}
        )

    async with staged(config=config) as stage:
        client = await stage.client()
        reply = await client.ask(GET)
        assert reply.status == 500
        assert b"bug" not in reply.body
        assert isinstance((await stage.record()).bug, ZeroDivisionError)
        assert (await client.ask(GET)).status == 500


async def test_a_middleware_cannot_smuggle_a_line_into_a_head():
    class Splits:
        def on_response(self, response, request):
            return type(response)(
                response.status, (*response.fields, ("X-A", "1\r\nX-B: 2")), response.reason, response.body
            )

    def config(app):
        whole = one_app(app)
        bad = router("app@test", "Host(`app.test`)", "app@test", middlewares=("bug@test",))
        return RoutingConfig(
            routers={"app@test": bad}, services=whole.services, middlewares={"bug@test": Splits()}
        )

    async with staged(config=config) as stage:
        client = await stage.client()
        reply = await client.ask(GET)
        assert reply.status == 500
        assert reply.get("X-B") is None


async def test_no_piece_of_an_answer_waits_for_the_acknowledgement_of_the_one_before():
    async with staged() as stage:
        await stage.client()
        sock = (await stage.connection()).wire._transport.get_socket()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
