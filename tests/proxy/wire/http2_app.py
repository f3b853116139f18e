"""An app that speaks HTTP/2 in the clear; its script decides what it says, and when it reads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import h2.errors
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes

from proxy.model import RoutingConfig, Server, Service
from proxy.reaching import Transport
from tests.proxy.wire.stage import App, eventually, router

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclass(eq=False)
class Call:
    """One request as the app got it."""

    line: Line
    number: int
    fields: list[tuple[str, str]]
    trailers: list[tuple[str, str]] = field(default_factory=list)
    ended: bool = False
    reset: int | None = None
    """The code with which the proxy gave it up."""
    got: int = 0
    pieces: list[tuple[bytes, int]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def get(self, name: str) -> str | None:
        return ", ".join(value for key, value in self.fields if key == name) or None

    async def read(self) -> bytes:
        """The next of its content, for which the proxy may then send more; b"" at the end."""
        while not self.pieces and not self.ended:
            await self.wait()
        if not self.pieces:
            return b""
        data, size = self.pieces.pop(0)
        if size:
            self.line.h2.acknowledge_received_data(size, self.number)
            self.line.flush()
        return data or await self.read()

    async def body(self) -> bytes:
        data = b""
        while piece := await self.read():
            data += piece
        return data

    async def wait(self) -> None:
        if self.reset is not None:
            raise ConnectionResetError
        self._news.clear()
        await self._news.wait()

    def wake(self) -> None:
        self._news.set()

    def head(self, status: int = 200, *fields: tuple[str, str], end: bool = False) -> None:
        self.line.h2.send_headers(self.number, [(":status", str(status)), *fields], end)
        self.line.flush()

    async def data(self, data: bytes, end: bool = False) -> None:
        while data:
            window = self.line.h2.local_flow_control_window(self.number)
            room = min(window, self.line.h2.max_outbound_frame_size, len(data))
            if not room:
                await self.wait()
                continue
            self.line.h2.send_data(self.number, data[:room], end and room == len(data))
            self.line.flush()
            data = data[room:]

    def end(self, *trailers: tuple[str, str]) -> None:
        if trailers:
            self.line.h2.send_headers(self.number, trailers, end_stream=True)
        else:
            self.line.h2.end_stream(self.number)
        self.line.flush()

    def refuse(self, code: int) -> None:
        self.line.h2.reset_stream(self.number, code)
        self.line.flush()

    async def answer(self, body: bytes, *fields: tuple[str, str]) -> None:
        self.head(200, *fields)
        await self.data(body, end=True)


Script = Callable[[Call], Awaitable[object]]


class Line:
    """One connection of the app."""

    def __init__(self, app: HTTP2App, writer: asyncio.StreamWriter) -> None:
        self.app = app
        self.writer = writer
        self.calls: dict[int, Call] = {}
        # What it says may be wrong on purpose.
        self.h2 = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding="latin-1",
                validate_outbound_headers=app.proper,
                normalize_outbound_headers=app.proper,
            )
        )
        self.h2.local_settings.update(app.settings)
        self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def write(self, octets: bytes) -> None:
        self.flush()
        self.writer.write(octets)

    def hear(self, data: bytes, group: asyncio.TaskGroup) -> None:
        for event in self.h2.receive_data(data):
            call = self.calls.get(getattr(event, "stream_id", None) or 0)
            if isinstance(event, events.RequestReceived):
                call = self.calls[event.stream_id] = Call(self, event.stream_id, list(event.headers))
                self.app.calls.append(call)
                group.create_task(self.app.run(call))
            elif isinstance(event, events.DataReceived) and call:
                call.got += len(event.data)
                call.pieces.append((event.data, event.flow_controlled_length))
            elif isinstance(event, events.TrailersReceived) and call:
                call.trailers = list(event.headers)
            elif isinstance(event, events.StreamEnded) and call:
                call.ended = True
            elif isinstance(event, events.StreamReset) and call:
                call.reset = int(event.error_code)
        for each in self.calls.values():
            each.wake()
        self.flush()


class HTTP2App:
    def __init__(self, script: Script, *, proper: bool = True, **settings: int) -> None:
        """`proper` is whether h2 checks what it says."""
        self.script = script
        self.proper = proper
        self.settings = {SettingCodes[name.upper()]: value for name, value in settings.items()}
        self.calls: list[Call] = []
        self.lines: list[Line] = []
        self._busy: set[asyncio.Task[None] | None] = set()

    async def start(self) -> HTTP2App:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def call(self, number: int = 0) -> Call:
        await eventually(lambda: len(self.calls) > number)
        return self.calls[number]

    async def run(self, call: Call) -> None:
        with contextlib.suppress(ConnectionError, StreamClosedError):
            await self.script(call)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._busy.add(asyncio.current_task())
        line = Line(self, writer)
        self.lines.append(line)
        try:
            async with asyncio.TaskGroup() as group:
                try:
                    while data := await reader.read(65536):
                        line.hear(data, group)
                except ProtocolError:
                    line.flush()
                    raise
                finally:
                    for call in line.calls.values():
                        call.reset = call.reset if call.reset is not None else h2.errors.ErrorCodes.CANCEL
                        call.wake()
        except* (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._busy.discard(asyncio.current_task())
            writer.close()

    async def stop(self) -> None:
        self._server.close()
        for task in list(self._busy):
            if task:
                task.cancel()
        await eventually(lambda: not self._busy)

    def config(self, _: App, transport: Transport | None = None) -> RoutingConfig:
        return h2c(Server("app-1", "127.0.0.1", self.port, "h2c"), transport=transport)


def h2c(*servers: Server, transport: Transport | None = None) -> RoutingConfig:
    return RoutingConfig(
        routers={"app@test": router("app@test", "Host(`app.test`)", "app@test")},
        services={"app@test": Service("app@test", servers, transport=transport)},
    )


@contextlib.asynccontextmanager
async def http2_app(script: Script, *, proper: bool = True, **settings: int) -> AsyncIterator[HTTP2App]:
    app = await HTTP2App(script, proper=proper, **settings).start()
    try:
        yield app
    finally:
        await app.stop()
