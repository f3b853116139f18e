"""Connection: what a client sends is scanned and decided upon; what passes is handed to a lane.

    bytes -> scanned head -> RequestHead -> route, or an answer of our own -> lane (aiohttp)

Nothing that is not plainly HTTP/1.1 reaches a lane or an app.  aiohttp is fed
a head of our own making and the checked content; the client's own head travels
beside it, in the `Turn`.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from ipaddress import ip_address
from typing import cast

from proxy.capacity import Seat
from proxy.client_stream import ClientStream
from proxy.decision import Decision, decide
from proxy.delivery import interim, own_answer
from proxy.exchange import Response, ResponseHead
from proxy.facade import Facade
from proxy.fields import MessageError
from proxy.gate import Entry
from proxy.headers import plain_address
from proxy.intake import Intake
from proxy.pages import page
from proxy.reception import Reception, Refused
from proxy.turn import Turn
from proxy.wire import Wire

PIPELINED = 64 * 1024
"""Bytes of later requests that are held while one is served; then reading stops."""
FLOOD = 256 * 1024
"""Unsent bytes at which interim responses are dropped: a server could send them for ever."""
DISCARDED = 16 * 1024 * 1024
"""Bytes that a leaving connection throws away at most."""


class Phase(Enum):
    HEAD = auto()  # a request is awaited or has begun to arrive
    IDLE = auto()  # kept open between two requests
    TURN = auto()  # a request is being served
    RAW = auto()  # upgraded: bytes both ways
    LEAVING = auto()  # the last word is said; input is thrown away
    GONE = auto()


class Connection(asyncio.BufferedProtocol):
    wire: Wire

    def __init__(self, entry: Entry, seat: Seat) -> None:
        self._entry = entry
        self._gate = entry.gate
        self._limits = entry.gate.limits
        self._seat = seat
        self._clock = asyncio.get_running_loop().time
        self._phase = Phase.HEAD
        self.turn: Turn | None = None
        self.since = self._heard = self._clock()
        self._pending = bytearray()
        self._intake: Intake | None = None
        self._facade: Facade | None = None
        self._stream: ClientStream | None = None
        self._discarded = 0
        self._client_ended = False

    @property
    def stopping(self) -> asyncio.Event:
        return self._gate.stopping

    @property
    def idle(self) -> bool:
        return self._phase is Phase.IDLE

    # From the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.since = self._clock()
        self.wire = Wire(cast(asyncio.Transport, transport), self.since)
        peer = transport.get_extra_info("peername")[0].partition("%")[0]
        self._reception = Reception(self._entry, plain_address(ip_address(peer)))
        self._entry.connections.add(self)
        if self._gate.stopping.is_set():
            self.wire.close()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._entry.scratch

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._entry.scratch[:nbytes]))

    def data_received(self, data: bytes) -> None:
        self._heard = self._clock()
        if self._phase is Phase.LEAVING:
            self._discarded += len(data)
            if self._discarded > DISCARDED:
                self.wire.abort()
        elif self._stream:
            self._stream.feed(data)
        else:
            self._pending += data
            self._advance()

    def eof_received(self) -> bool:
        """The client's end.  In the middle of a turn it means, as for nginx and Go, that nobody waits."""
        self._client_ended = True
        if self._stream and self._phase is Phase.RAW:
            self._stream.feed_eof()
            return not self._entry.tls  # asyncio's TLS knows no half-closed state
        return False

    def pause_writing(self) -> None:
        self.wire.pause_writing()

    def resume_writing(self) -> None:
        self.wire.resume_writing()
        if self.wire.release("unsent"):
            self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        self._phase = Phase.GONE
        self._entry.connections.discard(self)
        self._seat.leave()
        self._detach()
        self.wire.resume_writing()
        if self._stream:
            self._stream.feed_eof()
        if self.turn and not self.turn.answered:
            self.turn.tally.fault = self.turn.tally.fault or "the client left"
            self._end(self.turn)

    def never_began(self) -> None:
        """The client did not get past the door."""
        self._seat.leave()

    # Scan and decide

    def _advance(self) -> None:
        """Do what can be done with the bytes that are here."""
        while self._pending:
            if self._phase in (Phase.HEAD, Phase.IDLE):
                if self.wire.full:
                    # Whoever asks and asks, but does not take our answers, is not listened to meanwhile.
                    self.wire.hold("unsent")
                    return
                if not self._begin():
                    return
            elif self._phase is Phase.TURN and self.turn and not self.turn.received:
                self._take_in(self.turn)
            else:
                if len(self._pending) >= PIPELINED:
                    self.wire.hold("pipelined")
                return

    def _begin(self) -> bool:
        """Whether a request begins here: a whole head has come and nothing is wrong with it."""
        now = self._clock()
        if self._phase is Phase.IDLE:
            self._phase, self.since = Phase.HEAD, now
        try:
            turn = self._reception.next(self._pending, now)
        except Refused as refused:
            self._refuse(refused)
            return False
        if turn:
            self._start(turn)
        return turn is not None

    def _start(self, turn: Turn) -> None:
        self._phase, self.turn = Phase.TURN, turn
        self._intake = Intake.of(turn.scanned.framing)
        turn.received = self._intake is None
        try:
            decision = decide(self._gate.table, self._entry.name, turn.head, self._gate.answers)
        except Exception as bug:
            decision = Decision(turn.head, response=turn.failed(bug))
        turn.head, turn.route, turn.response = decision.head, decision.route, decision.response
        turn.tally.router = turn.route.name if turn.route else ""
        if turn.response and isinstance(turn.response.body, bytes):
            self._answer(turn, turn.response)
        else:
            self._hand_over(turn)

    def _answer(self, turn: Turn, response: Response) -> None:
        """Answer at once; content that was announced is not waited for."""
        keep = turn.received and self.may_keep(turn)
        try:
            data = own_answer(response, turn.scanned, keep=keep)
        except ValueError as bug:  # a middleware's field that may not leave
            response = turn.failed(bug)
            data = own_answer(response, turn.scanned, keep=keep)
        turn.started = True
        turn.tally.status = response.status
        self.wire.send_if_open(data)
        self.finish(turn, keep)

    def _refuse(self, refused: Refused) -> None:
        """Say what is wrong and leave.  An app that has got the beginning of this never gets its end."""
        self._detach()
        turn, tally = self.turn, refused.tally
        tally.fault = refused.reason
        if turn and turn.started:
            self.cut(turn)
            return
        tally.status = refused.status
        if turn:
            turn.answered = True
        self.wire.send_if_open(
            own_answer(page(refused.status, turn.head if turn else None), None, keep=False)
        )
        self._gate.log(tally.record(self._clock()))
        self.leave()

    # Hand over to aiohttp

    def _hand_over(self, turn: Turn) -> None:
        if self._facade is None:
            self._facade = Facade(self, self._gate.lane.new_protocol())
        self._facade.begin(turn.scanned.framing)

    def _take_in(self, turn: Turn) -> None:
        """Check what has come of the content and pass it on; what comes after it stays."""
        intake = self._intake
        if intake is None:
            return
        try:
            content = intake.take(self._pending)
        except MessageError as bad:
            self._refuse(Refused(bad.status, bad.reason, turn.tally))
            return
        turn.tally.bytes_in = intake.size
        turn.received, turn.trailers = intake.ended, intake.trailers
        if content and self._facade:
            self._facade.feed(content)
        if turn.received and turn.answered:
            self._next()

    def _detach(self) -> None:
        facade, self._facade = self._facade, None
        if facade:
            facade.detach()

    # From the facade

    def hold(self, reason: str) -> None:
        if self._phase is Phase.TURN:
            self.wire.hold(reason)

    def release(self, reason: str) -> None:
        if self.wire.release(reason):
            self._heard = self._clock()  # it was us who kept the client from sending

    def lane_done(self) -> None:
        """aiohttp is done with this connection."""
        if self._facade and self._phase is Phase.TURN:
            self.leave()

    # From whoever answers

    def may_keep(self, turn: Turn) -> bool:
        """Whether the connection may serve another request after this one."""
        return turn.scanned.keep_alive and not turn.awaits_invitation and not self._gate.stopping.is_set()

    def inform(self, turn: Turn, head: ResponseHead) -> None:
        """Pass an interim response on at once; HTTP/1.0 clients know none (RFC 9110 15.2)."""
        if turn.scanned.http10 or turn.started or turn is not self.turn or self.wire.unsent > FLOOD:
            return
        turn.invited = turn.invited or head.status == 100
        self.wire.send(interim(head))

    def upgrade(self, turn: Turn) -> ClientStream:
        """The client's end as a stream, beginning with what it has already sent."""
        self._phase = Phase.RAW
        early, self._pending = bytes(self._pending), bytearray()
        self._stream = ClientStream(self.wire, turn.tally, early)
        self.wire.release("pipelined")
        return self._stream

    def finish(self, turn: Turn, keep: bool) -> None:
        """The answer is out whole."""
        turn.answered = True
        self._end(turn)
        if not keep:
            self.leave()
        elif turn.received:
            self._next()

    def cut(self, turn: Turn) -> None:
        """End an answer that cannot be completed so that the client cannot take it for complete."""
        turn.answered = True
        self._end(turn)
        self._phase, self.since = Phase.LEAVING, self._clock()
        if turn.ends_by_closing:
            self.wire.reset()
        else:
            self.wire.close()

    def _end(self, turn: Turn) -> None:
        self._gate.log(turn.tally.record(self._clock()))

    def _next(self) -> None:
        self.turn = self._intake = None
        self._phase, self.since = Phase.IDLE, self._clock()
        if self._gate.stopping.is_set():
            self.leave()
            return
        self.wire.release("pipelined")
        # Not from within the handler whose turn has just ended.
        asyncio.get_running_loop().call_soon(self._advance)

    def leave(self) -> None:
        """Close in such a way that the last answer arrives."""
        if self._phase in (Phase.LEAVING, Phase.GONE):
            return
        unread = bool(self._pending) or self.turn is None or not self.turn.received
        self._phase, self.since = Phase.LEAVING, self._clock()
        self._pending.clear()
        asyncio.get_running_loop().call_soon(self._detach)
        if self._client_ended or (not self.wire.linger() and not unread):
            self.wire.close()

    # Patience and the end

    def sweep(self, now: float) -> None:
        """Called every half second or so: has the client kept us waiting too long?"""
        waited = now - self.since
        limits = self._limits
        if self.wire.stalled(now, limits.write):
            self.wire.abort()
        elif self._phase is Phase.HEAD and waited > limits.head:
            if self._pending:
                tally = self._reception.tally(self.since)
                self._refuse(Refused(408, "the head of the request did not come", tally))
            else:
                self.wire.close()
        elif (self._phase is Phase.IDLE and waited > limits.idle) or (
            self._phase is Phase.LEAVING and waited > limits.linger
        ):
            self.wire.close()
        elif self._phase is Phase.TURN and self.turn and self._content_stalled(self.turn, now):
            self._refuse(Refused(408, "the content of the request did not come", self.turn.tally))

    def _content_stalled(self, turn: Turn, now: float) -> bool:
        waiting_for_us = turn.received or self.wire.held or turn.awaits_invitation
        return not waiting_for_us and now - self._heard > self._limits.content

    def wind_down(self) -> None:
        """Go, unless a request is there or on its way."""
        if self._phase is Phase.IDLE or (self._phase is Phase.HEAD and not self._pending):
            self.wire.close()

    def abort(self) -> None:
        self.wire.abort()
