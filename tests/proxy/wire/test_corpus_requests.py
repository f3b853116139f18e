"""Every request of the corpus over real sockets, judged on both sides by a reader that forgives nothing."""

from __future__ import annotations

import asyncio
import posixpath
import socket
from ipaddress import ip_network
from urllib.parse import unquote

import pytest

from proxy.limits import Limits
from proxy.middlewares.ipallowlist import IPAllowList
from proxy.model import RoutingConfig, Server, Service
from tests.proxy.wire.corpus_reading import Message, read_requests, read_responses
from tests.proxy.wire.corpus_requests import (
    EVIL,
    GUARDED,
    OK,
    PRIVATE,
    PROBE,
    REFUSED,
    SERVED,
    SPOOFED,
    Served,
)
from tests.proxy.wire.stage import Stage, router, staged

ELSEWHERE = IPAllowList(source_range=(ip_network("192.0.2.0/24"),))
QUICK = Limits(linger=0.2, unread=0.2, sweep=0.05)


class Recorder(asyncio.Protocol):
    """One connection to the app: keeps every byte, and answers each request as soon as it is whole."""

    def __init__(self, answer: bytes, heard: list[bytearray]) -> None:
        self.answer = answer
        self.data = bytearray()
        self.answered = 0
        heard.append(self.data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        whole = [message for message in read_requests(bytes(self.data)) if message.whole]
        for message in whole[self.answered :]:
            self.transport.write(OK if " /probe" in message.line else self.answer)
        self.answered = len(whole)


class Corpus:
    """A stage, and what a case sent through it left on both sides."""

    def __init__(self, stage: Stage, heard: list[bytearray]) -> None:
        self._stage = stage
        self._heard = heard

    async def send(self, raw: bytes) -> bytes:
        """What comes back until the answer to /probe is there or the connection ends."""
        client = await self._stage.client()
        client.writer.write(raw + PROBE)
        back = bytearray()
        async with asyncio.timeout(10):
            while b"\r\n\r\n" not in back or not self._probed():
                try:
                    data = await client.reader.read(65536)
                except ConnectionError:
                    break
                if not data:
                    return bytes(back)
                back += data
            while not back.endswith(b"ok"):
                back += await client.reader.readexactly(1)
        client.abort()
        return bytes(back)

    def _probed(self) -> bool:
        return any(b"GET /probe " in bytes(data) for data in self._heard)

    def app(self) -> list[Message]:
        """The requests that the app got, strictly read, and whether /probe was among them."""
        return [message for data in self._heard for message in read_requests(bytes(data))]


def corpus_config(port: int) -> RoutingConfig:
    app = Service("app@test", (Server("app-1", "127.0.0.1", port),))
    return RoutingConfig(
        routers={
            "a@test": router("a@test", "Host(`a.test`)", "app@test"),
            "open@test": router("open@test", "Host(`guard.test`)", "app@test"),
            "private@test": router(
                "private@test",
                f"Host(`guard.test`) && PathPrefix(`{PRIVATE}`)",
                "app@test",
                middlewares=("elsewhere@test",),
            ),
        },
        services={"app@test": app},
        middlewares={"elsewhere@test": ELSEWHERE},
    )


async def play(raw: bytes, answer: bytes = OK) -> tuple[bytes, list[Message]]:
    """Send it before a stage of its own; what came back, and what the app got."""
    heard: list[bytearray] = []
    loop = asyncio.get_running_loop()
    app = await loop.create_server(lambda: Recorder(answer, heard), "127.0.0.1", 0)
    port = app.sockets[0].getsockname()[1]
    try:
        async with staged(config=lambda _: corpus_config(port), limits=QUICK, grace=0.1) as stage:
            corpus = Corpus(stage, heard)
            back = await corpus.send(raw)
            return back, corpus.app()
    finally:
        app.close()


def is_probe(message: Message) -> bool:
    return message.line == "GET /probe"


@pytest.mark.parametrize("name", REFUSED)
async def test_it_is_refused_and_nobody_takes_it_for_a_request(name: str) -> None:
    status, raw = REFUSED[name]
    back, app = await play(raw)
    (answer,) = read_responses(back, ["GET"], closed=True)
    assert answer.status in status
    assert answer.all("connection") == ["close"]
    assert answer.whole
    assert not [message for message in app if message.whole]


@pytest.mark.parametrize("name", [*SERVED, *SPOOFED])
async def test_it_is_served_as_it_was_meant(name: str) -> None:
    case = (SERVED | SPOOFED)[name]
    back, app = await play(case.raw, case.answer)
    methods = [line.partition(" ")[0] for line in case.app] or ["GET"]
    answers = read_responses(back, [*methods, "GET"] if len(case.status) < 3 else ["GET"] * 200, closed=True)
    kept = bool(app) and is_probe(app[-1])
    interim = [answer.status for answer in answers if answer.status == 100]
    final = [answer for answer in answers if answer.status != 100]
    assert tuple(answer.status for answer in final) == (*case.status, *[200] * kept)
    assert kept == case.kept
    assert interim in ([], [100])
    got = app[:-1] if kept else app
    assert tuple(message.line for message in got) == case.app
    assert all(message.whole for message in app)
    check_app(case, got)
    if case.gets is not None:
        assert final[0].body == case.gets
    if not case.kept:
        assert final[-1].all("connection") == ["close"]


def check_app(case: Served, got: list[Message]) -> None:
    for first in got[:1]:
        assert first.body == case.body
        for field, value in case.has:
            assert first.all(field) == [value], field
        for field in case.lacks:
            assert first.all(field) == []
        if case.trailers:
            assert tuple(first.trailers) == case.trailers
    for message in got:
        assert message.all("x-forwarded-for") == message.all("x-real-ip") == ["127.0.0.1"]
        assert EVIL not in str(message.fields) + str(message.trailers)


def readings(target: str) -> set[str]:
    """The paths that apps make of it: NUL ends it, `;` hides, `\\` is a slash, escapes count once."""
    path = target.partition("?")[0]
    found = set()
    for plain in (path, unquote(path, "latin-1")):
        for slashed in (plain, plain.replace("\\", "/")):
            for cut in (slashed, slashed.partition("\0")[0]):
                bare = "/".join(segment.partition(";")[0] for segment in cut.split("/"))
                found |= {posixpath.normpath("/" + each.lstrip("/")) for each in (cut, bare)}
    return found


@pytest.mark.parametrize("target", GUARDED)
async def test_no_spelling_of_a_path_gets_past_its_guard(target: str) -> None:
    raw = f"GET {target} HTTP/1.1\r\nHost: guard.test\r\n\r\n".encode("latin-1")
    back, app = await play(raw)
    answer = read_responses(back, ["GET", "GET"], closed=True)[0]
    passed = [message for message in app if not is_probe(message)]
    assert (answer.status == 200) == bool(passed)
    assert answer.status in (200, 400, 403)
    for message in passed:
        assert not [path for path in readings(message.line[4:]) if path.startswith(PRIVATE)]


CHUNKS = b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
CUT_SHORT = {
    "half a head": b"GET /x HTTP/1.1\r\nHost: a.test\r\nX: y",
    "a head without its last line": b"GET /x HTTP/1.1\r\nHost: a.test\r\n",
    "half a length": b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nhello",
    "no content at all": b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\n",
    "half a chunk": CHUNKS + b"5\r\nhel",
    "no last chunk": CHUNKS + b"5\r\nhello\r\n",
    "half a last chunk": CHUNKS + b"5\r\nhello\r\n0\r\n",
    "half a trailer": CHUNKS + b"0\r\nX: y\r\n",
}


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("name", CUT_SHORT)
async def test_what_was_cut_short_is_never_whole_for_the_app(name: str, how: str) -> None:
    heard: list[bytearray] = []
    loop = asyncio.get_running_loop()
    app = await loop.create_server(lambda: Recorder(OK, heard), "127.0.0.1", 0)
    try:
        config = corpus_config(app.sockets[0].getsockname()[1])
        async with staged(config=lambda _: config, limits=QUICK, grace=0.1) as stage:
            client = await stage.client()
            await client.send(CUT_SHORT[name])
            if how == "end":
                client.writer.write_eof()
                assert b"200 OK" not in await client.rest()
            else:
                sock = client.writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.abort()
            other = await stage.client()
            assert (await other.ask(PROBE)).body == b"ok"
            whole = [message for data in heard for message in read_requests(bytes(data)) if message.whole]
            assert [message.line for message in whole] == ["GET /probe"]
    finally:
        app.close()
