"""The app behind Tidegate in integration tests.  Standard library only; runs inside a FROM-scratch container.

Every answer says who gave it (`APP` in the environment), so that a request that
reached the wrong container shows itself.  Keep-alive, because reuse of
connections is what is tested.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import signal
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

NAME = os.environ.get("APP", "app")
BUSY: dict[asyncio.StreamWriter, bool] = {}
"""Whether each connection is in the middle of an exchange."""
HEALTH = ["200 OK"]
PIECE = b"x" * 65536
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3


class Exchange:
    def __init__(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, target, _ = first.split(" ")
        self.path, self.query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        self.fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
        }
        self.reader, self.writer = reader, writer

    def number(self, name: str, default: float) -> float:
        return float(self.query.get(name, [default])[0])

    def answer(self, text: str, status: str = "200 OK") -> None:
        body = text.encode()
        self.writer.write(
            f"HTTP/1.1 {status}\r\nX-App: {NAME}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )

    async def body(self) -> AsyncIterator[bytes]:
        if self.fields.get("transfer-encoding") == "chunked":
            while size := int((await self.reader.readline()).split(b";")[0], 16):
                yield await self.reader.readexactly(size)
                await self.reader.readline()
            while (await self.reader.readline()).strip():
                continue
            return
        left = int(self.fields.get("content-length", 0))
        while left:
            piece = await self.reader.read(min(left, 1 << 20))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(piece)
            yield piece


async def whoami(exchange: Exchange) -> None:
    exchange.answer(NAME)


async def busy(exchange: Exchange) -> None:
    """With how many others."""
    exchange.answer(str(sum(BUSY.values()) - 1))


async def slow(exchange: Exchange) -> None:
    await asyncio.sleep(exchange.number("seconds", 1))
    exchange.answer(NAME)


async def endless(exchange: Exchange) -> None:
    exchange.writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    while True:
        exchange.writer.write(b"9\r\ndata: on\n\r\n")
        await exchange.writer.drain()
        await asyncio.sleep(0.1)


async def upload(exchange: Exchange) -> None:
    received = 0
    async for piece in exchange.body():
        received += len(piece)
    exchange.answer(str(received))


async def download(exchange: Exchange) -> None:
    left = int(exchange.number("bytes", 1 << 20))
    exchange.writer.write(f"HTTP/1.1 200 OK\r\nX-App: {NAME}\r\nContent-Length: {left}\r\n\r\n".encode())
    while left > 0:
        exchange.writer.write(PIECE[:left])
        left -= len(PIECE)
        await exchange.writer.drain()


async def websocket(exchange: Exchange) -> None:
    """Echo frames (RFC 6455 5.2), unmasked, until the other side closes."""
    accept = base64.b64encode(
        hashlib.sha1(exchange.fields["sec-websocket-key"].encode() + WEBSOCKET_GUID).digest()
    )
    exchange.writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    while True:
        first, second = await exchange.reader.readexactly(2)
        mask = await exchange.reader.readexactly(4)
        payload = bytes(
            byte ^ mask[at % 4] for at, byte in enumerate(await exchange.reader.readexactly(second & 0x7F))
        )
        exchange.writer.write(bytes([first, len(payload)]) + payload)
        await exchange.writer.drain()
        if first & 0x0F == 8:
            return


async def health(exchange: Exchange) -> None:
    exchange.answer("", HEALTH[0])


async def ill(exchange: Exchange) -> None:
    HEALTH[0] = "503 Service Unavailable"
    exchange.answer(NAME)


PAGES = {
    "/health": health,
    "/ill": ill,
    "/busy": busy,
    "/slow": slow,
    "/endless": endless,
    "/upload": upload,
    "/download": download,
    "/ws": websocket,
}


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            BUSY[writer] = False
            head = await reader.readuntil(b"\r\n\r\n")
            BUSY[writer] = True
            exchange = Exchange(head, reader, writer)
            await PAGES.get(exchange.path, whoami)(exchange)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return  # the client has gone, which is how every connection ends
    finally:
        BUSY.pop(writer, None)
        writer.close()


async def serve() -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    server = await asyncio.start_server(converse, "0.0.0.0", 8000, backlog=1024)
    await stopped.wait()
    await leave(server)
    os._exit(0)


async def leave(server: asyncio.Server) -> None:
    """As servers do that are asked to stop: nobody new, and whoever is being served is served."""
    server.close()
    while BUSY:
        for writer in [writer for writer, busy in BUSY.items() if not busy]:
            writer.close()
            del BUSY[writer]
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(serve())
