"""A client's connection without a socket: bytes in, bytes out, and a clock that is told what time it is."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest

from proxy.capacity import Capacity
from proxy.connection import Connection
from proxy.dialogue import FLOOD
from proxy.exchange import ResponseHead
from proxy.gate import Gate
from proxy.headers import TrustedProxies
from proxy.limits import Limits
from proxy.model import Router, RoutingConfig, Service
from proxy.phase import Phase
from proxy.table import Entrypoint, compile_table
from proxy.transport import Transport
from tests.proxy.scripted_server import ticks

GET = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
ELSEWHERE = b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n"
PUT = b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\n"


class Socket(Transport):
    """A transport that remembers what was done to it."""

    def __init__(self) -> None:
        self.written = b""
        self.unsent = 0
        self.done: list[str] = []

    def write(self, data) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def set_write_buffer_limits(self, high) -> None:
        self.high = high

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.done.append("eof")

    def is_closing(self) -> bool:
        return "closed" in self.done or "aborted" in self.done

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")

    def pause_reading(self) -> None:
        self.done.append("paused")

    def resume_reading(self) -> None:
        self.done.append("resumed")

    def get_socket(self) -> None:
        return None


class Handler:
    """What aiohttp's handler of a connection is to the connection."""

    def __init__(self) -> None:
        self.fed = b""
        self.lost = False

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data) -> None:
        self.fed += data

    def connection_lost(self, exc) -> None:
        self.lost = True
        self.transport.close()  # as aiohttp does


class Scene:
    """One connection with everything around it."""

    def __init__(self, **limits: float) -> None:
        self.handler = Handler()
        self.records = []
        router = Router("app", "Host(`app.test`)", "app", tls=False)
        config = RoutingConfig(routers={"app": router}, services={"app": Service("app")})
        self.gate = Gate(
            table=compile_table(config, [Entrypoint(name="web")]),
            trusted=TrustedProxies(),
            limits=Limits(**limits),
            answers=lambda path: None,
            log=self.records.append,
            lane=self,
            capacity=Capacity(10),
        )
        self.socket = Socket()
        entry = self.gate.add_entry("web", False, 80)
        self.connection = Connection(entry, self.gate.capacity.take(), ip_address("192.0.2.1"))
        self.connection.begin(self.socket)
        self.socket.done.clear()

    def new_protocol(self) -> Handler:
        return self.handler

    def receive(self, data: bytes) -> None:
        self.connection.data_received(data)

    def wait(self, seconds: float) -> None:
        self.connection.sweep(self.connection.clock() + seconds)

    def answer(self, keep: bool = True) -> None:
        """What the lane does once it has an answer."""
        dialogue = self.connection.dialogue
        dialogue.turn.started = True
        dialogue.turn.tally.status = 200
        dialogue.wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        dialogue.finish(dialogue.turn, keep)

    @property
    def status(self) -> int:
        return int(self.socket.written.split(b" ")[1]) if self.socket.written else 0


async def test_aiohttp_is_fed_a_head_of_our_own_and_the_content_that_was_checked():
    scene = Scene()
    scene.receive(b"PUT /secret?x HTTP/1.1\r\nHost: app.test\r\nCookie: a\r\nContent-Length: 3\r\n\r\nabc")
    assert scene.handler.fed == b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"


async def test_chunks_are_framed_anew_and_trailers_travel_beside():
    scene = Scene()
    scene.receive(b"PUT / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n")
    scene.receive(b"1;ext=1\r\na\r\n02\r\nbc\r\n0\r\nX-T: 1\r\n\r\n")
    assert scene.handler.fed.endswith(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert scene.connection.dialogue.turn.trailers == (("X-T", "1"),)


async def test_a_later_request_waits_for_its_turn():
    scene = Scene()
    scene.receive(GET + GET)
    assert scene.handler.fed.count(b"POST") == 1
    scene.answer()
    await asyncio.sleep(0)
    assert scene.handler.fed.count(b"POST") == 2


async def test_an_answer_of_our_own_does_not_bother_aiohttp():
    scene = Scene()
    scene.receive(ELSEWHERE)
    assert (scene.status, scene.handler.fed, scene.connection.phase) == (404, b"", Phase.IDLE)


async def test_who_asks_and_asks_and_never_reads_is_not_listened_to():
    scene = Scene()
    scene.connection.pause_writing()  # the answers so far have not been taken
    scene.receive(ELSEWHERE * 100)
    assert (scene.status, scene.socket.done) == (0, ["paused"])
    scene.connection.resume_writing()
    assert (
        scene.socket.written.count(b"HTTP/1.1 404") == 1
    )  # the others have to wait for other clients' turns
    await ticks(100)
    assert scene.socket.written.count(b"HTTP/1.1 404") == 100
    assert scene.socket.done == ["paused", "resumed"]


PATIENCE = [
    # what came, what the app did, seconds of silence -> status, what happens to the connection
    ("nothing", b"", False, 9, 0, []),
    ("nothing", b"", False, 11, 0, ["closed"]),
    ("some of a head", GET[:10], False, 9, 0, []),
    ("some of a head", GET[:10], False, 11, 408, ["eof"]),
    ("a whole request", GET, False, 1000, 0, []),
    ("some of the content", PUT + b"abc", False, 59, 0, []),
    ("some of the content", PUT + b"abc", False, 61, 408, ["eof"]),
    ("a request that was answered", GET, True, 74, 200, []),
    ("a request that was answered", GET, True, 76, 200, ["closed"]),
]


@pytest.mark.parametrize(("_what", "came", "answered", "silence", "status", "end"), PATIENCE)
async def test_patience(_what, came, answered, silence, status, end):
    scene = Scene()
    if came:
        scene.receive(came)
    if answered:
        scene.answer()
    scene.wait(silence)
    assert (scene.status, scene.socket.done) == (status, end)


async def test_a_head_has_its_time_as_a_whole_and_content_from_byte_to_byte():
    scene = Scene(head=10, content=10)
    scene.receive(GET[:5])
    scene.connection.since -= 11
    scene.receive(GET[5:10])
    scene.wait(0)
    assert scene.status == 408
    scene = Scene(head=10, content=10)
    scene.receive(PUT)
    for _ in range(5):
        scene.connection._heard -= 9
        scene.receive(b"x")
        scene.wait(0)
    assert (scene.status, scene.socket.done) == (0, [])


async def test_a_client_that_takes_nothing_is_cut_and_one_that_takes_a_little_is_not():
    scene = Scene(write=60)
    scene.receive(GET)
    for unsent in (1000, 999, 998):
        scene.socket.unsent = unsent
        now = scene.connection.clock() + (1000 - unsent) * 50
        scene.connection.sweep(now)
    assert scene.socket.done == []
    scene.connection.sweep(now + 61)
    assert scene.socket.done == ["aborted"]


async def test_content_that_goes_wrong_takes_the_handler_away():
    scene = Scene()
    scene.receive(b"PUT / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    scene.receive(b"zz\r\n")
    assert (scene.handler.lost, scene.status, scene.socket.done) == (True, 400, ["eof"])
    assert not scene.handler.fed.endswith(b"0\r\n\r\n")
    assert [record.status for record in scene.records] == [400]


async def test_content_that_goes_wrong_under_an_answer_cuts_the_answer():
    scene = Scene()
    scene.receive(b"PUT / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    scene.connection.dialogue.turn.started = True
    scene.connection.dialogue.turn.ends_by_closing = True
    scene.receive(b"zz\r\n")
    assert (scene.handler.lost, scene.socket.written, scene.socket.done) == (True, b"", ["aborted"])
    assert len(scene.records) == 1


async def test_a_client_that_leaves_takes_the_handler_with_it_and_gives_its_seat_back():
    scene = Scene()
    scene.receive(GET)
    scene.connection.connection_lost(None)
    assert (scene.handler.lost, scene.gate.capacity.taken, scene.gate.connections()) == (True, 0, [])
    assert [(record.status, record.fault) for record in scene.records] == [(499, "the client left")]


async def test_after_the_last_word_input_is_thrown_away_up_to_a_bound():
    scene = Scene()
    scene.receive(b"nonsense\r\n\r\n")
    assert (scene.status, scene.connection.phase) == (400, Phase.LEAVING)
    written = scene.socket.written
    scene.receive(GET)
    assert (scene.socket.written, scene.handler.fed) == (written, b"")
    for _ in range(300):
        scene.receive(bytes(65536))
    assert "aborted" in scene.socket.done


async def test_a_stop_lets_go_who_is_idle_and_nobody_else():
    idle, fresh, half, busy = Scene(), Scene(), Scene(), Scene()
    idle.receive(ELSEWHERE)
    half.receive(GET[:10])
    busy.receive(GET)
    for scene in (idle, fresh, half, busy):
        scene.gate.stop()
        scene.connection.wind_down()
    assert [scene.socket.done for scene in (idle, fresh, half, busy)] == [["closed"], ["closed"], [], []]
    busy.answer()
    assert busy.socket.done == ["eof"]


async def test_a_bug_in_a_middleware_is_a_500_and_its_traceback_is_kept():
    class Broken:
        def on_request(self, request):
            raise ZeroDivisionError

    scene = Scene()
    router = Router("app", "Host(`app.test`)", "app", tls=False, middlewares=("bug",))
    config = RoutingConfig({"app": router}, {"app": Service("app")}, {"bug": Broken()})
    scene.gate.serve(compile_table(config, [Entrypoint(name="web")]))
    scene.receive(GET)
    assert scene.status == 500
    assert isinstance(scene.records[0].bug, ZeroDivisionError)
    assert scene.connection.phase == Phase.IDLE


async def test_a_flood_of_interim_responses_is_dropped_but_for_the_invitation():
    scene = Scene()
    scene.receive(PUT.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    dialogue = scene.connection.dialogue
    scene.socket.unsent = FLOOD + 1
    for status in (103, 100, 100, 103):
        dialogue.inform(dialogue.turn, ResponseHead(status))
    assert scene.socket.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert not dialogue.turn.awaits_invitation


async def test_listeners_know_of_how_many_hosts_to_expect():
    scene = Scene()
    routers = {name: Router(name, f"Host(`{name}.test`)", "app", tls=False) for name in map(str, range(3000))}
    table = compile_table(RoutingConfig(routers, {"app": Service("app")}), [Entrypoint(name="web")])
    before = scene.gate.add_entry("web", tls=False, port=80)
    scene.gate.serve(table)
    after = scene.gate.add_entry("web", tls=False, port=80)
    assert before.hosts.most == after.hosts.most == 3750
