"""Upstream: strict, pooled connections to servers, for every lane.

A connection belongs to one owner (a container) and dies with it: its address
is given to the next container at once (12 of 12 times, measured), and a request
must never reach the wrong app.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from heapq import nsmallest
from typing import TYPE_CHECKING, Final

from proxy.crowding import Slot
from proxy.exchange import ConnectTimedOut, Fields, NeverSent, Request, Response
from proxy.headers import target_at
from proxy.http2_lane import SCHEME
from proxy.model import Server
from proxy.reaching import Transport
from proxy.repeating import may_be_repeated
from proxy.upstream_connection import Address, UpstreamConnection
from proxy.upstream_exchange import Timeouts, Unanswered
from proxy.upstream_wire import connected, secured
from proxy.writing import frame_request, write_request

if TYPE_CHECKING:
    from proxy.multiplexed import Multiplexed

__all__ = ("ConnectTimedOut", "Pool", "Timeouts", "Unanswered")

MOST_IDLE: Final = 128
"""Idle connections to one server; above them they close after their exchange."""
EXHAUSTED: Final = frozenset((errno.EMFILE, errno.ENFILE))
ROOM: Final = 4
"""Idle connections closed at a time when no descriptor is left for a new one."""
MOST_GONE: Final = 4096
"""Owners that are remembered as gone; a request that chose one of them waits for minutes at most."""
SWEEP: Final = 1.0


class Pool:
    def __init__(self, timeouts: Timeouts | None = None, context: ssl.SSLContext | None = None) -> None:
        """`context` is for https servers; without one, the system's roots are trusted."""
        self.timeouts = timeouts or Timeouts()
        self._context = context
        self._contexts: dict[Transport, ssl.SSLContext] = {}
        self.on_tried: Callable[[Server, Exception | None], None] | None = None
        """Told of each attempt to connect, and how it failed."""
        self.connected: Callable[[str, int], Awaitable[socket.socket]] = connected
        self._idle: dict[Address, list[UpstreamConnection]] = {}
        self._connections: set[UpstreamConnection] = set()
        self._lines: dict[Address, int] = {}
        """How many connections each server has, idle ones and those that still connect among them."""
        self._served: frozenset[Address] | None = None
        self._gone: dict[str, None] = {}
        self._closed = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._multiplexed: Multiplexed | None = None

    async def ask(
        self,
        server: Server,
        fields: Fields,
        request: Request,
        upgrade: str = "",
        slot: Slot | None = None,
    ) -> Response:
        """The server's response, as soon as its head is here.

        `fields` are what the server gets, without those that frame the message
        or concern this hop (any of those are left out); the method and target
        are the request's.  `upgrade` is the protocol asked for; when the server
        switches (101), its end of the connection is `response.upgraded`.
        `slot` is left when the response has ended; where there is none, it stays the caller's.

        Raises NeverSent, TimedOut, Unanswered or another UpstreamError, and
        whatever reading the request's body raises.
        """
        if server.scheme == SCHEME:  # an upgrade is left out, which a server may do as well (RFC 9110 7.8)
            multiplexed = await self._over_http2()
            return await multiplexed.ask(server, _address(server), fields, request, slot)
        framing = frame_request(request.head.method, request.body.length)
        target = target_at(server, request.head.target)
        head = write_request(request.head.method, target, fields, framing, upgrade, host=server.host)
        if (kept := self.take(server)) is not None:
            try:
                return await kept.ask(request, head, framing, upgrade, slot)
            except Unanswered:
                # Only now and then does a server close just as we ask.  What has no content and does the
                # same when done twice is asked again, once (RFC 9110 9.2.2, RFC 9112 9.3.1).
                if not may_be_repeated(request.head.method, framing.length):
                    raise
        fresh = await self.connect(server)
        return await fresh.ask(request, head, framing, upgrade, slot)

    def drop_owner(self, owner: str) -> None:
        """The container is gone: what is under way ends, and nothing more is sent to its address."""
        self._gone.pop(owner, None)
        self._gone[owner] = None
        while len(self._gone) > MOST_GONE:
            del self._gone[next(iter(self._gone))]
        if self._served is not None:
            self._served = frozenset(address for address in self._served if address[0] != owner)
        for connection in [each for each in self._connections if each.server.owner == owner]:
            connection.kill("the server's container is gone")
        if self._multiplexed:
            self._multiplexed.drop_owner(owner)

    def retain(
        self,
        servers: Collection[Server],
        addresses: frozenset[Address] | None = None,
        transports: frozenset[Transport | None] | None = None,
    ) -> None:
        """A new table: connections to servers that are not in it close as soon as they are idle.

        A server that is in it is served again, gone or not: its container was started anew.
        `addresses` and `transports` are theirs, where they have been gathered already.
        """
        self._served = addresses_of(servers) if addresses is None else addresses
        kept = transports_of(servers) if transports is None else transports
        for transport in [each for each in self._contexts if each not in kept]:
            del self._contexts[transport]
        for address in [address for address in self._idle if address not in self._served]:
            for connection in self._idle.pop(address):
                connection.close()
        if self._multiplexed:
            self._multiplexed.retain(self._served)

    def busy(self, server: Server) -> int:
        """How many requests the server has at the moment."""
        address = _address(server)
        if server.scheme == SCHEME:
            return self._multiplexed.busy(address) if self._multiplexed else 0
        return self._lines.get(address, 0) - len(self._idle.get(address, ()))

    async def close(self) -> None:
        """End everything.  Nothing can be asked any more."""
        self._closed = True
        if self._sweeper:
            self._sweeper.cancel()
        for connection in list(self._connections):
            connection.abort()
        self._idle.clear()
        if self._multiplexed:
            await self._multiplexed.close()
        await asyncio.sleep(0)  # the loop closes the sockets when it comes round

    def take(self, server: Server) -> UpstreamConnection | None:
        """The idle connection used last: the others can grow old and close."""
        if (self._closed or server.owner in self._gone) and self.is_gone(server):
            raise NeverSent("the server's container is gone")
        idle = self._idle.get((server.owner, server.scheme, server.address, server.port, server.transport))
        while idle:
            connection = idle.pop()
            if connection.fit:
                return connection
            connection.abort()
        return None

    async def connect(self, server: Server) -> UpstreamConnection:
        """A new connection; NeverSent where there can be none."""
        if self.is_gone(server):
            raise NeverSent("the server's container is gone")
        timeouts = self.timeouts_of(server)
        connection = UpstreamConnection(server, _address(server), timeouts, self)
        self._connections.add(connection)
        self._lines[connection.address] = self._lines.get(connection.address, 0) + 1
        try:
            await self._open(connection, server)
        except TimeoutError as late:
            self._tried(connection, late)
            lost = NeverSent if connection.given_up else ConnectTimedOut
            raise lost("the server did not accept the connection in time") from late
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be a host's
            self._tried(connection, error)
            raise NeverSent(f"the server could not be reached: {error}") from error
        finally:
            connection.opening = None
            if not connection.alive:
                connection.abort()
                self._drop(connection)
        if not connection.alive:
            raise NeverSent("the server closed the connection as soon as it had accepted it")
        self._tried(connection, None)
        self._arm()
        return connection

    async def _over_http2(self) -> Multiplexed:
        """Only who has a server of HTTP/2 pays for it; in a thread, for it blocks."""
        made = self._multiplexed
        if made is not None:
            return made
        return self._made(await asyncio.get_running_loop().run_in_executor(None, _loaded))

    def _made(self, make: type[Multiplexed]) -> Multiplexed:
        """A question of its own: compiled, the attribute is believed to be None still after a wait."""
        if self._multiplexed is None:
            self._multiplexed = make(self)
        return self._multiplexed

    def _tried(self, connection: UpstreamConnection, failure: Exception | None) -> None:
        if not connection.given_up:  # given up: whose container is gone has not failed
            self.tried(connection.server, failure)

    def tried(self, server: Server, failure: Exception | None) -> None:
        """The server was connected to, or could not be."""
        if self.on_tried:
            self.on_tried(server, failure)

    async def _open(self, connection: UpstreamConnection, server: Server) -> None:
        try:
            await self._dial(connection, server)
            return
        except OSError as error:
            if error.errno not in EXHAUSTED or not self._make_room():
                raise
        await asyncio.sleep(0)  # the loop closes the sockets when it comes round
        await self._dial(connection, server)

    async def reach(self, address: str, port: int) -> socket.socket:
        """A plain socket to there, at the price of one that nobody uses where no descriptor is left."""
        try:
            return await self.connected(address, port)
        except OSError as error:
            if error.errno not in EXHAUSTED or not self._make_room():
                raise
        await asyncio.sleep(0)  # the loop closes the sockets when it comes round
        return await self.connected(address, port)

    def _make_room(self) -> bool:
        """Close connections that nobody uses: of many servers they can hold all descriptors there are."""
        idle = (connection for idle in self._idle.values() for connection in idle)
        closing = nsmallest(ROOM, idle, key=lambda connection: connection.deadline)
        for connection in closing:
            connection.abort()
        return bool(closing)

    async def _dial(self, connection: UpstreamConnection, server: Server) -> None:
        if server.scheme != "https":
            async with asyncio.timeout(connection.timeouts.connect) as connection.opening:
                connection.begin(await self.connected(server.address, server.port))
            return
        context = await self._context_for(server.transport)
        name = server.transport.server_name if server.transport else ""
        patience = connection.timeouts.connect + connection.timeouts.handshake
        async with asyncio.timeout(patience) as connection.opening:
            sock = await self.connected(server.address, server.port)
            connection.begin(await secured(sock, context, name or server.address))

    async def _context_for(self, transport: Transport | None) -> ssl.SSLContext:
        """Made aside: it reads hundreds of certificates."""
        loop = asyncio.get_running_loop()
        if transport is None or transport.is_usual:
            if self._context is None:
                self._context = await loop.run_in_executor(None, _verifying)
            return self._context
        if transport not in self._contexts:
            self._contexts[transport] = await loop.run_in_executor(None, _trusting, transport)
        return self._contexts[transport]

    def timeouts_of(self, server: Server) -> Timeouts:
        if server.transport is None:
            return self.timeouts
        asked = server.transport.forwarding_timeouts
        return replace(
            self.timeouts,
            connect=float(asked.dial_timeout),
            first_byte=float(asked.response_header_timeout) or self.timeouts.first_byte,
            idle_body=float(asked.idle_body_timeout) or self.timeouts.idle_body,
            keep_alive=float(asked.idle_conn_timeout),
        )

    def is_gone(self, server: Server) -> bool:
        """Gone, unless the table of now has exactly this address of it (then it was started again)."""
        if self._closed:
            return True
        return server.owner in self._gone and _address(server) not in (self._served or ())

    # What connections report

    def keep(self, connection: UpstreamConnection) -> None:
        address = connection.address
        idle = self._idle.get(address)
        if idle is None:
            idle = self._idle[address] = []
        if len(idle) >= MOST_IDLE or (self._served is not None and address not in self._served):
            connection.close()
        else:
            idle.append(connection)

    def _drop(self, connection: UpstreamConnection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            left = self._lines[connection.address] - 1
            if left:
                self._lines[connection.address] = left
            else:
                del self._lines[connection.address]

    def forget(self, connection: UpstreamConnection) -> None:
        self._drop(connection)
        address = connection.address
        idle = self._idle.get(address, [])
        if connection in idle:
            idle.remove(connection)
        if not idle:
            self._idle.pop(address, None)

    # One timer for all

    def _arm(self) -> None:
        if self._sweeper is None and self._connections and not self._closed:
            shortest = min(self.timeouts.first_byte, self.timeouts.idle_body, self.timeouts.keep_alive)
            loop = asyncio.get_running_loop()
            self._sweeper = loop.call_later(min(SWEEP, shortest / 4), self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        now = asyncio.get_running_loop().time()
        for connection in [each for each in self._connections if each.deadline <= now]:
            connection.expire()
        self._arm()


def _loaded() -> type[Multiplexed]:
    from proxy.multiplexed import Multiplexed

    return Multiplexed


def addresses_of(servers: Iterable[Server]) -> frozenset[Address]:
    return frozenset(map(_address, servers))


def transports_of(servers: Iterable[Server]) -> frozenset[Transport | None]:
    return frozenset(server.transport for server in servers)


def _address(server: Server) -> Address:
    return server.owner, server.scheme, server.address, server.port, server.transport


def _trusting(transport: Transport) -> ssl.SSLContext:
    """For servers that somebody else vouches for, or nobody, or that ask who we are."""
    context = ssl.create_default_context()
    if transport.root_cas:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for each in transport.root_cas:
            context.load_verify_locations(each)
    if transport.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for own in transport.certificates:
        context.load_cert_chain(own.cert_file, own.key_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _verifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
