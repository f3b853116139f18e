"""App: answers each request with what only that request can get, in the manner that its target names.

    POST /chunked/20000 HTTP/1.1
    X-Id: 17-4
    X-Sum: (of the content)

What it gets is judged as well: content whose sum is not what its client said is a mismatch.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.soak import sum as sums

LOOPBACK = "127.0.0.1"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Seed: poison\r\n\r\nPOISON"
AGREED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
PIECE = 65536
LONGEST_EXTRA = 16384
"""Octets of an answer that has another behind it, in one segment: what comes later could not be told from
the answer to a request that has been sent meanwhile, by anybody."""

WHOLE = ("length", "chunked", "until-close", "close", "interim", "pieces", "extra")
"""The client gets it all."""
EARLY = ("early", "early-close")
"""The answer comes before the content is read; the client may find the connection gone."""
NONE = ("reset", "shut", "junk")
"""There is no answer: 502."""
CUT = ("cut", "cut-chunks", "cut-reset")
"""The answer stops in the middle: the client must see that."""
CLOSES = ("close", "until-close", "early-close")
"""The answer says that it is the last."""
UNSAID = ("leaves",)
"""A whole answer, and then the end of a connection that was to be kept."""


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    how: str
    size: int
    seed: str
    content_sum: str


@dataclass(slots=True, eq=False)
class App:
    requests: int = 0
    mismatches: list[str] = field(default_factory=list)
    connections: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    _server: asyncio.Server | None = None
    _busy: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> int:
        """The port that it listens on."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0, limit=2**18, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        while self._busy:
            for writer in list(self._busy):
                writer.transport.abort()
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._busy.add(writer)
        try:
            while await self._answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.ended[type(error).__name__] += 1
        finally:
            self._busy.discard(writer)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may serve another request."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        method, target, _ = lines[0].split(" ")
        if target == "/websocket":
            return await echo(reader, writer)
        if "x-id" not in fields:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return True
        self.requests += 1
        _, how, size = target.split("/")
        seed = sums.seed(method, target, fields["x-id"], fields["x-sum"])
        asked = Asked(method, how, int(size), seed, fields["x-sum"])
        if how in EARLY:
            await answer(writer, asked)
            if how == "early-close":
                return False
        if await content_sum(reader, fields) != asked.content_sum:
            self.mismatches.append(f"{method} {target} {fields['x-id']} got other content")
        return how in EARLY or await answer(writer, asked)


async def content_sum(reader: asyncio.StreamReader, fields: dict[str, str]) -> str:
    found = hashlib.sha256()
    if fields.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            found.update(await reader.readexactly(size))
            if await reader.readexactly(2) != b"\r\n":
                raise AssertionError("a chunk without its end")
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
    else:
        left = int(fields.get("content-length", "0"))
        while left:
            piece = await reader.read(min(left, PIECE))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
            found.update(piece)
            left -= len(piece)
    return found.hexdigest()


async def answer(writer: asyncio.StreamWriter, asked: Asked) -> bool:
    """As its target says; whether the connection may be kept."""
    how = asked.how
    if how in NONE:
        return await no_answer(writer, how)
    content = b"" if asked.method == "HEAD" else sums.body(asked.seed, asked.size)
    lines = [b"HTTP/1.1 200 OK", b"X-Seed: " + asked.seed.encode()]
    ends = how in (*CLOSES, *CUT, *UNSAID)
    chunked = how in ("chunked", "cut-chunks", "pieces")
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
    elif how != "until-close":
        lines.append(b"Content-Length: %d" % asked.size)
    if how in CLOSES or how in CUT:
        lines.append(b"Connection: close")
    if how == "interim":
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    head = b"\r\n".join([*lines, b"", b""])
    if how == "extra" and len(content) <= LONGEST_EXTRA:
        writer.write(head + content + POISON)
        return True
    writer.write(head)
    if asked.method == "HEAD":
        return not ends
    if how in CUT:
        content = content[: len(content) // 2]
    await send(writer, content, chunked, how == "pieces")
    if how in CUT:
        if how == "cut-reset":
            reset(writer)
        return False
    if chunked:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return not ends


async def no_answer(writer: asyncio.StreamWriter, how: str) -> bool:
    if how == "junk":
        writer.write(b"\x00\x01junk\r\n\r\n")
        await writer.drain()
    elif how == "reset":
        reset(writer)
    return False


async def send(writer: asyncio.StreamWriter, content: bytes, chunked: bool, slowly: bool) -> None:
    step = 1500 if slowly and len(content) < 30_000 else PIECE
    for at in range(0, len(content), step):
        piece = content[at : at + step]
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
        if slowly:
            await asyncio.sleep(0)


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def apps(*hosts: str) -> AsyncIterator[tuple[list[App], dict[str, int]]]:
    """An app for each host, and their ports."""
    started = [App() for _ in hosts]
    ports = [await app.start() for app in started]
    try:
        yield started, dict(zip(hosts, ports, strict=True))
    finally:
        for app in started:
            await app.stop()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """A WebSocket to Tidegate: every byte comes back."""
    writer.write(AGREED)
    while data := await reader.read(PIECE):
        writer.write(data)
        await writer.drain()
    return False
