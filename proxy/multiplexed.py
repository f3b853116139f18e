"""Multiplexed: servers that are spoken to over HTTP/2 in the clear (h2c), by prior knowledge (RFC 9113 3.3).

What `upstream` is for HTTP/1.1, for which it has one connection a request; here
many requests share one, and another is opened only where it is full.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from proxy.crowding import Slot
from proxy.exchange import ConnectTimedOut, Fields, NeverSent, Request, Response, UpstreamError
from proxy.headers import target_at
from proxy.http2_head import request_lines
from proxy.http2_stream import Refused
from proxy.model import Server
from proxy.repeating import may_be_repeated
from proxy.rereading import Rereadable
from proxy.upstream_connection import Address
from proxy.upstream_exchange import Timeouts, Unanswered

if TYPE_CHECKING:
    from proxy.http2_line import HTTP2Line
    from proxy.upstream import Pool

ATTEMPTS: Final = 3
SWEEP: Final = 1.0


class Multiplexed:
    """Belongs to a pool, which says who is gone and how to connect."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lines: dict[Address, list[HTTP2Line]] = {}
        self._opening: dict[Address, asyncio.Task[HTTP2Line]] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    async def ask(
        self, server: Server, address: Address, fields: Fields, request: Request, slot: Slot | None
    ) -> Response:
        """The server's response, as `Pool.ask` has it."""
        body = Rereadable(request.body)
        method, length = request.head.method, request.body.length
        target = target_at(server, request.head.target)
        lines = request_lines(method, target, fields, length, server.host)
        attempt = 0
        while True:
            attempt += 1
            line = await self._line(server, address)
            kept = line.used
            try:
                return await line.ask(request, lines, fields, body, slot)
            except Refused as refused:
                # What was not looked at may be asked again whatever it is (RFC 9113 8.7), if all is here.
                if not body.again or attempt == ATTEMPTS:
                    raise _given_up(refused, body) from refused
            except Unanswered:
                # Only now and then does a server close just as we ask: once more, as over HTTP/1.1.
                if attempt > 1 or not kept or not may_be_repeated(method, length):
                    raise

    def busy(self, address: Address) -> int:
        """How many requests the server has at the moment."""
        return sum(line.busy for line in self._lines.get(address, ()))

    def drop_owner(self, owner: str) -> None:
        for line in self._all():
            if line.server.owner == owner:
                line.kill("the server's container is gone")

    def retain(self, served: frozenset[Address]) -> None:
        """A new table: connections to servers that are not in it end with what is under way on them."""
        for line in self._all():
            if line.address not in served:
                line.retire()

    async def close(self) -> None:
        for task in list(self._opening.values()):
            task.cancel()
        for line in self._all():
            line.kill("the proxy stops")
        if self._sweeper:
            self._sweeper.cancel()
        await asyncio.sleep(0)  # the loop closes the sockets when it comes round

    def _all(self) -> list[HTTP2Line]:
        return [line for lines in self._lines.values() for line in lines]

    # Connections

    async def _line(self, server: Server, address: Address) -> HTTP2Line:
        """One with room for a request, which has to be asked before anything is waited for."""
        while True:
            if self._pool.is_gone(server):
                raise NeverSent("the server's container is gone")
            for line in self._lines.get(address, ()):
                if line.has_room:
                    return line
            opening = self._opening.get(address)
            if opening is None:
                opening = asyncio.get_running_loop().create_task(self._open(server, address))
                self._opening[address] = opening
                opening.add_done_callback(partial(self._opened, address))
            line = await asyncio.shield(opening)  # who leaves meanwhile takes it from nobody
            if not line.settled:
                raise NeverSent("the server closed the connection as soon as it had accepted it")

    def _opened(self, address: Address, opening: asyncio.Task[HTTP2Line]) -> None:
        del self._opening[address]
        if not opening.cancelled():
            opening.exception()  # whoever waited may have left

    async def _open(self, server: Server, address: Address) -> HTTP2Line:
        timeouts = self._pool.timeouts_of(server)
        make = await asyncio.get_running_loop().run_in_executor(None, _loaded)
        line = make(server, address, timeouts, self._forget)
        try:
            await self._begin(line, timeouts)
        except TimeoutError as late:
            self._pool.tried(server, late)
            raise ConnectTimedOut("the server did not accept the connection in time") from late
        except UpstreamError as refusal:
            self._pool.tried(server, refusal)
            raise NeverSent(str(refusal)) from refusal
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be a host's
            self._pool.tried(server, error)
            raise NeverSent(f"the server could not be reached: {error}") from error
        self._pool.tried(server, None)
        if not line.has_room or self._pool.is_gone(server):
            line.close()
            raise NeverSent("the server takes no requests")
        self._lines.setdefault(address, []).append(line)
        self._arm()
        return line

    async def _begin(self, line: HTTP2Line, timeouts: Timeouts) -> None:
        """Connect, and wait until the server speaks HTTP/2: one that does not gets nothing of a request."""
        server = line.server
        try:
            async with asyncio.timeout(timeouts.connect):
                sock = await self._pool.reach(server.address, server.port)
            async with asyncio.timeout(timeouts.handshake):
                await line.begin(sock)
        finally:
            if not line.settled:
                line.kill("it was not opened")

    def _forget(self, line: HTTP2Line) -> None:
        lines = self._lines.get(line.address, [])
        if line in lines:
            lines.remove(line)
        if not lines:
            self._lines.pop(line.address, None)

    # One timer for all

    def _arm(self) -> None:
        if self._sweeper is None and self._lines:
            timeouts = self._pool.timeouts
            shortest = min(timeouts.first_byte, timeouts.idle_body, timeouts.keep_alive)
            self._sweeper = asyncio.get_running_loop().call_later(min(SWEEP, shortest / 4), self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        now = asyncio.get_running_loop().time()
        for line in self._all():
            if line.deadline <= now:
                line.expire(now)
        self._arm()


def _given_up(refused: Refused, body: Rereadable) -> UpstreamError:
    """Another server may be asked where the request is still here."""
    return NeverSent(str(refused)) if body.untouched else UpstreamError(str(refused))


def _loaded() -> type[HTTP2Line]:
    from proxy.http2_line import HTTP2Line

    return HTTP2Line
