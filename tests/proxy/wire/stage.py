"""The stage of the wire tests: raw bytes in, an app that records what it got, raw bytes out."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from proxy.access_log import Tally
from proxy.balancer import Balancer
from proxy.connection import Connection
from proxy.entrypoint import Entrypoints
from proxy.headers import TrustedProxies
from proxy.limits import Limits
from proxy.listening import Listener
from proxy.model import Router, RoutingConfig, Server, Service
from proxy.outside import Outside
from proxy.queueing import call_later
from proxy.running import Running
from proxy.table import Entrypoint, compile_table
from proxy.tls import SNI
from proxy.upstream import Pool, Timeouts

FAST_LANE = True
"""Which lane plain requests take; each test runs over both."""
SECONDS = 30.0
"""How long anything may take before the test says that it never came."""


@dataclass(eq=False)
class Call:
    """One request as the app got it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    line: str
    fields: list[tuple[str, str]]
    trailers: list[tuple[str, str]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """The other side closed the connection while the app was still busy with this request."""

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def get(self, name: str) -> str | None:
        return ", ".join(value for key, value in self.fields if key.lower() == name.lower()) or None

    async def pieces(self) -> AsyncIterator[bytes]:
        if self.get("Transfer-Encoding") == "chunked":
            while size := int((await self.reader.readuntil(b"\r\n")), 16):
                yield await self.reader.readexactly(size)
                assert await self.reader.readexactly(2) == b"\r\n"
            while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
                name, _, value = line.decode("latin-1").rstrip("\r\n").partition(": ")
                self.trailers.append((name, value))
        else:
            left = int(self.get("Content-Length") or 0)
            while left:
                piece = await self.reader.read(min(left, 65536))
                if not piece:
                    raise asyncio.IncompleteReadError(b"", left)
                left -= len(piece)
                yield piece

    async def body(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until_left(self) -> None:
        """Wait until the proxy has given this request up."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                continue
        self.left.set()

    async def answer(self, body: bytes) -> None:
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


Script = Callable[[Call], Awaitable[object]]


def says(status_line: str = "200 OK", body: bytes = b"ok", fields: str = "") -> Script:
    """An app that reads the request and answers this."""

    async def script(call: Call) -> None:
        await call.body()
        await call.send(
            f"HTTP/1.1 {status_line}\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
        )

    return script


def sends(data: bytes) -> Script:
    """An app that reads the request and answers exactly these bytes."""

    async def script(call: Call) -> None:
        await call.body()
        await call.send(data)

    return script


class App:
    """A server on a port of its own.  Its script closes a connection by `call.writer.close()`."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls: list[Call] = []
        self.connections = 0
        self._busy: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.close()
        for task, writer in list(self._busy.items()):
            writer.transport.abort()
            if task:
                task.cancel()

    async def call(self, number: int = 0) -> Call:
        await eventually(lambda: len(self.calls) > number)
        return self.calls[number]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._busy[asyncio.current_task()] = writer
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *fields = head.removesuffix("\r\n\r\n").split("\r\n")
                pairs = [(name, value) for name, _, value in (field.partition(": ") for field in fields)]
                call = Call(reader, writer, line, pairs)
                self.calls.append(call)
                await self.script(call)
        except (
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            asyncio.CancelledError,
            ConnectionError,
        ):
            if self.calls:
                self.calls[-1].left.set()
        finally:
            del self._busy[asyncio.current_task()]
            writer.close()


@dataclass
class Reply:
    """One response as the client got it."""

    line: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.line.split(" ")[1])

    def get(self, name: str) -> str | None:
        return ", ".join(value for key, value in self.fields if key.lower() == name.lower()) or None


class Client:
    """A client that does exactly what it is told, well-behaved or not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> Reply:
        async with asyncio.timeout(SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.removesuffix("\r\n\r\n").split("\r\n")
        return Reply(line, [(name, value) for name, _, value in (field.partition(": ") for field in fields)])

    async def chunk(self) -> bytes:
        """The next chunk of a chunked answer, b"" for the last."""
        async with asyncio.timeout(SECONDS):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            if not size:
                return b""
            data = await self.reader.readexactly(size)
            assert await self.reader.readexactly(2) == b"\r\n"
        return data

    async def reply(self, method: str = "GET") -> Reply:
        """The next whole response, read as RFC 9112 6.3 says."""
        reply = await self.head()
        if method == "HEAD" or reply.status in (204, 304) or reply.status < 200:
            return reply
        async with asyncio.timeout(SECONDS):
            if reply.get("Transfer-Encoding") == "chunked":
                while piece := await self.chunk():
                    reply.chunks.append(piece)
                reply.body = b"".join(reply.chunks)
                while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
                    name, _, value = line.decode("latin-1").rstrip("\r\n").partition(": ")
                    reply.trailers.append((name, value))
            elif (length := reply.get("Content-Length")) is not None:
                reply.body = await self.reader.readexactly(int(length))
            else:
                reply.body = await self.reader.read()
        return reply

    async def ask(self, data: bytes, method: str = "GET") -> Reply:
        await self.send(data)
        return await self.reply(method)

    async def rest(self) -> bytes:
        """Everything until the connection ends."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.read()

    async def closed(self, within: float = SECONDS) -> bool:
        """Whether the proxy ends the connection without another byte."""
        try:
            async with asyncio.timeout(within):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        self.writer.transport.abort()


@dataclass(eq=False)
class Stage:
    app: App
    entrypoints: Entrypoints
    pool: Pool
    sni: SNI
    records: list[Tally]
    balancer: Balancer
    _clients: list[Client] = field(default_factory=list)

    def port(self, entrypoint: str = "web") -> int:
        return self.entrypoints.addresses[entrypoint][0][1]

    async def client(
        self,
        entrypoint: str = "web",
        *,
        context: ssl.SSLContext | None = None,
        name: str = "app.test",
        window: int | None = None,
    ) -> Client:
        """`window` is how much the kernel takes for a client that does not read."""
        sock = socket.socket()
        if window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port(entrypoint)))
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=context, server_hostname=name if context else None
        )
        client = Client(reader, writer)
        self._clients.append(client)
        return client

    async def connection(self) -> Connection:
        """The proxy's end of the only client's connection."""
        await eventually(self.entrypoints._gate.connections)
        return self.entrypoints._gate.connections()[0]

    async def record(self, number: int = 0) -> Tally:
        await eventually(lambda: len(self.records) > number)
        return self.records[number]

    def hang_up(self) -> None:
        for client in self._clients:
            client.abort()


async def eventually(claim: Callable[[], object], within: float = SECONDS) -> None:
    """Wait until the claim is true."""
    deadline = time.monotonic() + within
    while not claim():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


def router(name: str, rule: str, service: str, **changes: object) -> Router:
    return Router(name=name, rule=rule, service=service, **{"tls": False, **changes})  # type: ignore[arg-type]


def to(app: App, owner: str = "app-1") -> Server:
    return Server(owner, "127.0.0.1", app.port)


@contextlib.asynccontextmanager
async def staged(
    script: Script | None = None,
    *,
    limits: Limits | None = None,
    config: Callable[[App], RoutingConfig] | None = None,
    listeners: tuple[Listener, ...] = (Listener("web", "127.0.0.1", 0),),
    answers: Callable[[str], bytes | None] = lambda path: None,
    grace: float = 0.5,
    timeouts: Timeouts | None = None,
) -> AsyncIterator[Stage]:
    """Tidegate's proxy before one app, on real sockets."""
    app = App(script or says())
    await app.start()
    pool = Pool(timeouts)
    balancer = Balancer(pool.busy, time.monotonic, call_later)
    outside = Outside(pool, balancer)
    asked = (config or one_app)(app)
    records: list[Tally] = []
    sni = SNI()
    table = compile_table(
        asked, [Entrypoint(name=each.name, tls=each.tls) for each in listeners], Running(outside)
    )
    outside.services = table.services
    sni.secure(table.securing)
    entrypoints = Entrypoints(
        listeners,
        table=table,
        pool=pool,
        balancer=balancer,
        sni=sni,
        answers=answers,
        log=records.append,
        trusted=TrustedProxies(),
        limits=limits,
        fast_lane=FAST_LANE,
    )
    await entrypoints.open()
    stage = Stage(app, entrypoints, pool, sni, records, balancer)
    try:
        yield stage
    finally:
        stage.hang_up()
        await entrypoints.stop(grace)
        await outside.close()
        await pool.close()
        app.stop()
        await eventually(lambda: not app._busy)


def one_app(app: App) -> RoutingConfig:
    return RoutingConfig(
        routers={"app@test": router("app@test", "Host(`app.test`)", "app@test")},
        services={"app@test": Service("app@test", (to(app),))},
    )
