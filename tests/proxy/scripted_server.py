"""ScriptedServer: a real server on loopback that follows a script of literal bytes, one script a connection.

    ["ask", b"HTTP/1.1 200 OK\r\n...", "close"]

`ask` waits for a request head, `body` for what the request's framing announces; `hang` reads and says
nothing, `deaf` does not even read.  After its script a connection stays until the other side leaves.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import TypeAlias

from proxy.framing import reader_of
from proxy.head import scan_request
from proxy.model import Server

Step: TypeAlias = str | bytes | asyncio.Event
Script: TypeAlias = Sequence[Step]

SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"
SERVE_SECOND: Script = ["ask", SECOND] * 20


async def eventually(claim: Callable[[], object], within: float = 30.0) -> None:
    """Wait until the claim holds."""
    deadline = asyncio.get_running_loop().time() + within
    while not claim():
        assert asyncio.get_running_loop().time() < deadline, "it never came true"
        await asyncio.sleep(0.005)


async def ticks(count: int = 5) -> None:
    """Let both ends of a loopback connection, which share this loop, notice what was sent."""
    for _ in range(count):
        await asyncio.sleep(0)


class ScriptedServer:
    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.requests: list[bytes] = []
        """Every head that arrived, on any connection, with the content that followed it when asked for."""
        self.connections = 0
        self.open = 0
        self.lost: list[str] = []
        """How each connection ended, seen from here: EOF, or an error's name."""
        self.failed: list[BaseException] = []
        self._sockets: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._sockets.append(writer.get_extra_info("socket").fileno())
        self.open += 1
        script = self.scripts.pop(0) if self.scripts else SERVE_SECOND
        try:
            for step in script:
                await self._step(step, reader, writer)
            # Stay until the client leaves.
            while await reader.read(65536):
                continue
            self.lost.append("eof")
        except (asyncio.IncompleteReadError, OSError) as error:
            self.lost.append(type(error).__name__)
        finally:
            self.open -= 1
            writer.close()

    def say_at_once(self, data: bytes) -> None:
        """Send on the newest connection without giving the loop a turn; nothing means the end."""
        with socket.socket(fileno=os.dup(self._sockets[-1])) as sock:
            if data:
                sock.send(data)
            else:
                sock.shutdown(socket.SHUT_WR)

    async def _step(self, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        elif isinstance(step, asyncio.Event):
            await step.wait()
        elif step == "ask":
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        elif step == "body":
            await self._read_body(reader)
        elif step == "tick":
            await ticks()
        elif step == "eof":
            writer.write_eof()
        elif step == "close":
            writer.close()
            raise ConnectionAbortedError
        elif step == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            raise ConnectionAbortedError
        elif step == "hang":
            while await reader.read(65536):
                continue
            raise asyncio.IncompleteReadError(b"", None)
        elif step == "deaf":
            await asyncio.Event().wait()
        elif step == "echo":
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        else:
            raise ValueError(step)

    async def _read_body(self, reader: asyncio.StreamReader) -> None:
        head = scan_request(self.requests[-1])
        assert head
        body = reader_of(head.framing)
        content = bytearray()
        while not body.done:
            data = await reader.read(65536)
            if not data:
                raise asyncio.IncompleteReadError(bytes(content), None)
            content += body.feed(data)
        self.requests[-1] += content + b"".join(f"|{n}: {v}".encode() for n, v in body.trailers)


@asynccontextmanager
async def black_hole(owner: str = "container") -> AsyncIterator[Server]:
    """An address whose packets vanish, as a stopped container's do: its queue of connections is full."""
    with socket.socket() as hole, ExitStack() as stack:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        yield Server(owner, "127.0.0.1", hole.getsockname()[1])


@asynccontextmanager
async def scripted(
    *scripts: Script, tls: ssl.SSLContext | None = None, owner: str = "container", host: str = "127.0.0.1"
) -> AsyncIterator[tuple[ScriptedServer, Server]]:
    """A running server and its address.  Handlers are cancelled at the end, whatever they wait for."""
    stage = ScriptedServer(*scripts)
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await stage.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        except BaseException as error:
            stage.failed.append(error)
            raise
        finally:
            tasks.discard(task)

    listener = await asyncio.start_server(handle, host, 0, ssl=tls, limit=2**20)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield stage, Server(owner, host, port, "https" if tls else "http")
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not stage.failed
