"""Door: one socket of the dashboard: a request, its answer, and the connection ends.

Not aiohttp's server: that and its parser would be 8 MB for a page that is looked at now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import structlog

from proxy.delivery import own_answer
from proxy.exchange import Response
from proxy.fields import MessageError
from proxy.head import HeadLimits, ScannedRequest, scan_request
from tidegate.addresses import Address

PATIENCE = 10.0
"""Seconds for a head to come, and again for an answer to be taken."""
LINGER = 1.0
"""Seconds in which the client may read its answer before what it still sends resets the connection."""
LIMITS = HeadLimits(head=16 * 1024)
ROOM = 64 * 1024
SHUTDOWN = 1.0
"""Seconds for answers under way; nothing here is worth holding up a stop."""

Answering: TypeAlias = Callable[[ScannedRequest], Awaitable[Response]]

log = structlog.get_logger("tidegate.dashboard")


@asynccontextmanager
async def opened(answering: Answering, **place: Any) -> AsyncIterator[tuple[Address, ...]]:
    """Answer whoever connects there, until the end of the block; yields the addresses bound.

    `place` is what asyncio.start_server takes: a bound socket, or host and port.
    """
    visits: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            visits.add(task)
            task.add_done_callback(visits.discard)
        try:
            await serve(answering, reader, writer)
        except (OSError, TimeoutError):
            return  # the client has gone, or says nothing
        finally:
            writer.close()

    server = await asyncio.start_server(visit, **place, limit=ROOM)
    try:
        # A unix socket's own address is no pair.
        names = (sock.getsockname() for sock in server.sockets)
        yield tuple(Address(name[0], name[1]) for name in names if isinstance(name, tuple))
    finally:
        server.close()
        if visits:
            _, left = await asyncio.wait(visits, timeout=SHUTDOWN)
            for task in left:
                task.cancel()


async def serve(answering: Answering, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(PATIENCE):
        scanned, response = await hear(reader)
    if scanned:
        try:
            response = await answering(scanned)
        except Exception:
            log.exception("the dashboard failed", target=scanned.target)
            response = plain(500, "Something went wrong here; the log says what.")
    if response is None:
        return
    writer.write(own_answer(response, scanned, keep=False))
    async with asyncio.timeout(PATIENCE):
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    async with asyncio.timeout(LINGER):
        while await reader.read(ROOM):
            pass


async def hear(reader: asyncio.StreamReader) -> tuple[ScannedRequest | None, Response | None]:
    """The request, or why it is none; neither where the client left without one."""
    data = bytearray()
    try:
        while (scanned := scan_request(data, LIMITS)) is None:
            if not (more := await reader.read(ROOM)):
                return None, None
            data += more
    except MessageError as bad:
        return None, plain(bad.status, "This is no request.")
    return scanned, None


def plain(status: int, text: str, **fields: str) -> Response:
    lines = (("Content-Type", "text/plain; charset=utf-8"), *fields.items())
    return Response(status, lines, body=f"{text}\n".encode())
