"""Backend: the one app behind a proxy under test; it records what it gets, or follows a script."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.proxy.scripted_server import Script, ScriptedServer
from tests.proxy.wire.corpus_reading import Malformed, read_requests
from tests.proxy.wire.corpus_requests import OK

LOOPBACK = "127.0.0.1"


class Backend:
    """Between two cases it drops every connection: no case may be served by what another one left."""

    def __init__(self) -> None:
        self.answer = OK
        self.script: Script | None = None
        self.heard: list[bytearray] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._scripted = ScriptedServer()

    async def fresh(self, answer: bytes = OK, script: Script | None = None) -> None:
        """Ready for a case: answer every request so, or follow the script on the first connection."""
        while self._tasks:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.sleep(0.002)
        self.answer, self.script, self.heard = answer, script, []
        self._scripted = ScriptedServer(*([script] if script is not None else []))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            if self.script is not None:
                await self._scripted.serve(reader, writer)
            else:
                await self._record(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass  # the case is over, or the proxy left
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _record(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = bytearray()
        self.heard.append(data)
        answered = 0
        while piece := await reader.read(65536):
            data += piece
            try:
                whole = [each for each in read_requests(bytes(data), canonical=False) if each.whole]
            except Malformed:
                return  # kept for the judge
            for message in whole[answered:]:
                writer.write(OK if "/probe" in message.line or message.line == "GET /" else self.answer)
            answered = len(whole)


@contextlib.asynccontextmanager
async def backend() -> AsyncIterator[Backend]:
    found = Backend()
    server = await asyncio.start_server(found.serve, LOOPBACK, 0, limit=2**20)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        await found.fresh()
