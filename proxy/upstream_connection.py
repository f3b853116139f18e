"""UpstreamConnection: one connection to a server, for one exchange at a time.

A byte that comes while nothing was asked is an answer to nobody: the connection
is closed, so that it can never become the answer to somebody else.
"""

from __future__ import annotations

import asyncio
import socket
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias

from proxy.awaited_exchange import AwaitedExchange
from proxy.crowding import Slot
from proxy.exchange import Request, Response, Truncated, UpstreamError
from proxy.framing import Framing
from proxy.model import Server
from proxy.reaching import Transport
from proxy.upstream_exchange import AnswerMemo, Timeouts, UpstreamExchange
from proxy.upstream_wire import UpstreamWire

if TYPE_CHECKING:
    from proxy.upstream import Pool

Address: TypeAlias = tuple[str, str, str, int, Transport | None]
CLOSING: Final = 5.0
"""Seconds in which the last bytes of a closed connection may still leave."""


class UpstreamConnection(UpstreamWire):
    def __init__(self, server: Server, address: Address, timeouts: Timeouts, pool: Pool) -> None:
        super().__init__()
        self.server = server
        self.url = server.url
        self.deadline = inf
        """When the pool shall call `expire`: one sweep looks after all of them, there is no timer each."""
        self.timeouts = timeouts
        self._pool = pool
        self.address = address
        self.memo: AnswerMemo | None = None
        self._exchange: UpstreamExchange | None = None
        self.given_up = False
        self.opening: asyncio.Timeout | None = None
        """While it connects."""

    async def ask(
        self, request: Request, head: bytes, framing: Framing, upgrade: str, slot: Slot | None = None
    ) -> Response:
        exchange = AwaitedExchange(self, request, framing, upgrade, self.timeouts, slot)
        self.engage(exchange)
        return await exchange.run(head)

    def engage(self, exchange: UpstreamExchange) -> None:
        """What comes from now on is for this one."""
        self._exchange = exchange
        self._transport.largest_read = exchange.largest_read

    @property
    def alive(self) -> bool:
        return self._connected and not self.given_up and not self._transport.is_closing()

    @property
    def fit(self) -> bool:
        """Whether an idle connection can serve again: nothing came on it, not even its end."""
        return (
            self._connected
            and self._exchange is None
            and not self.given_up
            and not self._transport.is_closing()
            and not self._poll.poll(0)
        )

    def done(self, keep_for: float) -> None:
        """The exchange is over and left nothing behind."""
        self._exchange = None
        if self.held:
            self.release()
        self.deadline = monotonic() + keep_for
        self._pool.keep(self)

    # From the transport

    def begin(self, sock: socket.socket) -> None:
        super().begin(sock)
        if self.given_up:  # while it connected: the address may be another container's by now
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._exchange:
            self._exchange.received(data)
        else:
            self.abort()

    def look(self) -> None:
        """Read before more is written: there may be an early answer, with a reset behind it."""
        if self.readable():
            self._transport.read()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._exchange:
            self._exchange.paused()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._exchange:
            self._exchange.resumed()

    def eof_received(self) -> bool:
        if self._exchange and self._exchange.eof():
            return not self._tls  # over TLS, one direction does not end alone
        self.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        exchange = self._exchange
        if exchange:
            if exc and (data := self.left_behind()):
                exchange.received(data)
            exchange.lost(exc)
        self._exchange = None
        super().resume_writing()
        self._pool.forget(self)

    # Ending

    def abort(self) -> None:
        """End at once; whoever waits for something from here hears so."""
        self._settle(Truncated("the connection was given up"))
        if self._connected:
            self._transport.abort()

    def kill(self, reason: str) -> None:
        """The server is gone, whatever answers at its address now."""
        self._settle(UpstreamError(reason))
        self.abort()
        if self.opening and not self.opening.expired():
            self.opening.reschedule(self._loop.time())

    def close(self) -> None:
        """End when what was written has left, though not later than in a few seconds."""
        if self.alive:
            self._settle(Truncated("the connection was closed"))
            self.deadline = self._loop.time() + CLOSING
            self._transport.close()

    def expire(self) -> None:
        """The deadline has passed."""
        if self._exchange:
            self._exchange.expire()
        elif self.alive:
            self.close()
        else:
            self._transport.abort()

    def _settle(self, error: Exception) -> None:
        exchange, self._exchange = self._exchange, None
        self.given_up, self.deadline = True, inf
        if exchange:
            exchange.settle(error)
