"""Connection: a client's socket from its first byte to its end, and the patience with it.

What is said over it is the `Dialogue`'s business.
"""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic

from proxy.access_log import Tally
from proxy.capacity import Seat
from proxy.client_stream import ClientStream
from proxy.dialogue import Dialogue
from proxy.exchange import IPAddress
from proxy.gate import Entry
from proxy.phase import Phase
from proxy.transport import Receiver, Transport
from proxy.turn import Turn
from proxy.wire import Hold, Wire

DISCARDED = 16 * 1024 * 1024
"""Bytes that a leaving connection throws away at most."""

SILENT = 0.5
"""Seconds after which a connection forgets its client's last request: those of a page come at once."""


class Connection(Receiver):
    wire: Wire
    dialogue: Dialogue

    def __init__(self, entry: Entry, seat: Seat, peer: IPAddress) -> None:
        """`peer` is who was accepted: of a client that has left meanwhile the socket knows no address."""
        self._peer = peer
        self._entry = entry
        self._limits = entry.gate.limits
        self._seat = seat
        self.clock = monotonic  # what the loop's own clock asks
        self.phase = Phase.HEAD
        self.since = self._heard = self.clock()
        self._stream: ClientStream | None = None
        self._discarded = 0
        self._client_ended = False

    # From the transport

    def begin(self, transport: Transport) -> None:
        self.since = self.clock()
        self.wire = Wire(transport, self.since)
        self.dialogue = Dialogue(self, self._entry, self._peer)
        self._entry.connections.add(self)
        if self.dialogue.stopping.is_set():
            self.wire.close()
        else:
            transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self._heard = self.clock()
        if self.phase == Phase.LEAVING:
            self._discarded += len(data)
            if self._discarded > DISCARDED:
                self.wire.abort()
        elif self._stream:
            self._stream.feed(data)
        else:
            self.dialogue.hear(data, self._heard)

    def eof_received(self) -> bool:
        """The client's end.  In the middle of a turn it means, as for nginx and Go, that nobody waits."""
        self._client_ended = True
        if self._stream and self.phase == Phase.RAW:
            self._stream.feed_eof()
            return not self._entry.tls  # over TLS, one direction does not end alone
        return False

    def pause_writing(self) -> None:
        self.wire.pause_writing()

    def resume_writing(self) -> None:
        self.wire.resume_writing()
        self.dialogue.client_ready()
        if self.wire.release(Hold.UNSENT):
            self.dialogue.advance()

    def connection_lost(self, exc: Exception | None) -> None:
        upgraded = self.phase == Phase.RAW
        self.phase = Phase.GONE
        self._entry.connections.discard(self)
        self._seat.leave()
        self.wire.resume_writing()
        if self._stream:
            self._stream.feed_eof()
        self.dialogue.lost("" if upgraded else "the client left")

    def never_began(self) -> None:
        """The client did not get past the door."""
        self._seat.leave()

    # From the dialogue

    def enter(self, phase: int, now: float | None = None) -> None:
        self.phase, self.since = phase, self.clock() if now is None else now

    def listen_again(self) -> None:
        """It was us who kept the client from sending: its time begins now."""
        self._heard = self.clock()

    def upgrade(self, tally: Tally, early: bytes) -> ClientStream:
        self.enter(Phase.RAW)
        self._stream = ClientStream(self.wire, tally, early)
        return self._stream

    def leave(self) -> None:
        """Close in such a way that the last answer arrives."""
        if self.phase in (Phase.LEAVING, Phase.GONE):
            return
        self.enter(Phase.LEAVING)
        # Not from within the handler that is just ending its turn.
        asyncio.get_running_loop().call_soon(self.dialogue.detach)
        if self._client_ended:
            self.wire.close()
        else:
            self.wire.linger()

    def cut(self, *, reset: bool) -> None:
        self.enter(Phase.LEAVING)
        if reset:
            self.wire.reset()  # only a reset tells an answer that is cut short from one that is over
        else:
            self.wire.close()

    # Patience

    def sweep(self, now: float) -> None:
        """Called every half second or so: has the client kept us waiting too long?"""
        limits, waited, turn = self._limits, now - self.since, self.dialogue.turn
        if self.wire.stalled(now, limits.write) or self.wire.reset_unheard():
            self.wire.abort()
        elif self.phase == Phase.HEAD and waited > limits.head:
            if self.dialogue.begun:
                self.dialogue.time_out_head(self.since)
            else:
                self.wire.close()
        elif waited > {Phase.IDLE: limits.idle, Phase.LEAVING: limits.linger}.get(self.phase, inf):
            self.wire.close()
        elif self.phase == Phase.IDLE and waited > SILENT:
            self.dialogue.forget()
        elif self.phase == Phase.TURN and turn and turn.answered and now - turn.answered_at > limits.unread:
            self.leave()
        elif self.phase == Phase.TURN and turn and self._content_stalled(turn, now):
            self.dialogue.time_out_content(turn)

    def _content_stalled(self, turn: Turn, now: float) -> bool:
        waits_for_us = turn.received or self.wire.held or turn.awaits_invitation
        return not waits_for_us and now - self._heard > self._limits.content

    def wind_down(self) -> None:
        """Go, unless a request is there or on its way."""
        if self.phase == Phase.IDLE or (self.phase == Phase.HEAD and not self.dialogue.begun):
            self.wire.close()

    def abort(self) -> None:
        self.wire.abort()
