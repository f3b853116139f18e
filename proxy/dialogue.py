"""Dialogue: the requests and answers of one connection, in turns.

    bytes -> scanned head -> RequestHead -> route, or an answer of our own -> lane (aiohttp)

Nothing that is not plainly HTTP/1.1 reaches a lane or an app.  aiohttp is fed
a head of our own making and the checked content; the client's own head travels
beside it, in the `Turn`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from proxy.client_stream import ClientStream
from proxy.conduit import WORTH_IT
from proxy.decision import CHALLENGE, Decision, decide
from proxy.delivery import interim, own_answer
from proxy.exchange import IPAddress, Response, ResponseHead
from proxy.explainer import STATUSES, Explainer
from proxy.facade import Facade
from proxy.fields import MessageError
from proxy.gate import Entry
from proxy.headers import plain_address
from proxy.intake import Intake
from proxy.lane import FastLane, Passage
from proxy.pages import page
from proxy.particular import ParticularPassage
from proxy.phase import Phase
from proxy.receipt import Course, Receipt
from proxy.reception import Reception, Refused
from proxy.table import Route
from proxy.turn import Turn
from proxy.wire import Hold

if TYPE_CHECKING:
    from proxy.connection import Connection

PIPELINED = 64 * 1024
"""Bytes of later requests that are held while one is served; then reading stops."""
FLOOD = 256 * 1024
"""Unsent bytes at which interim responses are dropped: a server could send them for ever."""


class Dialogue:
    def __init__(self, connection: Connection, entry: Entry, peer: IPAddress) -> None:
        self._connection = connection
        self._entry = entry
        self._gate = entry.gate
        self._reception = Reception(entry, peer, connection.wire.certificate)
        self._peer = plain_address(peer)
        self._agreed = connection.wire.agreed
        self.wire = connection.wire
        self.turn: Turn | None = None
        self._pending = bytearray()
        self._intake: Intake | None = None
        self._facade: Facade | None = None
        self._passage: Passage | None = None
        self._course: Course | None = None

    @property
    def stopping(self) -> asyncio.Event:
        return self._gate.stopping

    @property
    def begun(self) -> bool:
        """Some of a request is here that is not served yet."""
        return bool(self._pending)

    # Scan and decide

    def hear(self, data: bytes, now: float) -> None:
        last = self._reception.last
        course = last.course if last and data == last.block and not self._pending else None
        if last and course and self._may_repeat(course):
            self._repeat(last, course, now)
            return
        if not self._pending and self._may_begin and (turn := self._reception.whole(data, now)):
            self._start(turn)
            return
        self._pending += data
        self.advance()

    def _may_repeat(self, course: Course) -> bool:
        return course.table is self._gate.table and self._may_begin

    @property
    def _may_begin(self) -> bool:
        return self._connection.phase in (Phase.IDLE, Phase.HEAD) and not self.wire.full

    def _repeat(self, receipt: Receipt, course: Course, now: float) -> None:
        """The same head as before, and nothing that could decide differently: the same route."""
        self._connection.enter(Phase.TURN, now)
        turn = self.turn = self._reception.turn(receipt, now)
        turn.route, turn.received, turn.head = course.route, True, receipt.served
        turn.tally.router = course.route.name
        if self._gate.fast:
            passage = self._passage = Passage(self._gate.fast, self, turn, course.route)
            passage.set_out()

    def forget(self) -> None:
        self._reception.forget()
        self._course = None

    def advance(self) -> None:
        """Do what can be done with the bytes that are here, though not more than one request at a time.

        64 KiB hold 1,500 requests.  If all of them were answered in one go, a dozen such clients would make
        the others wait for seconds.
        """
        self.wire.release(Hold.PIPELINED)
        while self._pending:
            if self._connection.phase in (Phase.HEAD, Phase.IDLE):
                if self.wire.full:
                    # Whoever asks and asks, but does not take our answers, is not listened to meanwhile.
                    self.wire.hold(Hold.UNSENT)
                    return
                if not self._begin():
                    return
                if self._connection.phase == Phase.IDLE:  # answered already; `_next` comes back
                    if len(self._pending) >= PIPELINED:
                        self.wire.hold(Hold.PIPELINED)
                    return
            elif self._connection.phase == Phase.TURN and self.turn and not self.turn.received:
                self._take_in(self.turn)
            else:
                if len(self._pending) >= PIPELINED:
                    self.wire.hold(Hold.PIPELINED)
                return

    def _begin(self) -> bool:
        """Whether a request begins here: a whole head has come and nothing is wrong with it."""
        if self._connection.phase == Phase.IDLE:
            self._connection.enter(Phase.HEAD)
        try:
            turn = self._reception.next(self._pending, self._connection.clock())
        except Refused as refused:
            self.refuse(refused)
            return False
        if turn:
            self._start(turn)
        return turn is not None

    def _start(self, turn: Turn) -> None:
        self._connection.enter(Phase.TURN, turn.tally.started)
        self.turn = turn
        self._intake = Intake.of(turn.scanned.framing)
        turn.received = self._intake is None
        table = self._gate.table
        if self._agreed is not None and table.misdirected(self._agreed, turn.head.host):
            self._answer(turn, page(421, turn.head), last=True)
            return
        route = None if self._gate.explainer else table.certain(self._entry.name, turn.head.host)
        lane = self._gate.fast
        if route and lane and not turn.scanned.upgrade and not turn.head.path.startswith(CHALLENGE):
            turn.route = route
            turn.tally.router = route.name
            self._remember(turn, route)
            self._let_pass(turn, lane, route)
        else:
            self._decide(turn)

    def _decide(self, turn: Turn) -> None:
        try:
            decision = decide(self._gate.table, self._entry.name, turn.head, self._gate.answers)
        except Exception as bug:
            decision = Decision(turn.head, response=turn.failed(bug))
        turn.head, turn.route, turn.response = decision.head, decision.route, decision.response
        turn.tally.router = turn.route.name if turn.route else ""
        if self._gate.explainer and turn.received:
            self._note_who_asks(self._gate.explainer, turn)
        if turn.response and isinstance(turn.response.body, bytes) and not turn.explains:
            self._answer(turn, turn.response)
        elif (
            self._gate.fast
            and turn.route
            and not turn.response
            and not turn.explains
            and self._gate.fast.takes(turn)
        ):
            self._remember(turn, turn.route)
            self._let_pass(turn, self._gate.fast, turn.route)
        else:
            self._hand_over(turn)

    def _note_who_asks(self, explainer: Explainer, turn: Turn) -> None:
        """Who may be told why goes the way on which there is time for that."""
        ours = turn.response is None or turn.response.status in STATUSES
        turn.explains = ours and explainer.concerns(turn.as_written(), turn.head.client_ip, self._peer)

    def _answer(self, turn: Turn, response: Response, last: bool = False) -> None:
        """Answer at once; content that was announced is not waited for."""
        keep = turn.received and self.may_keep(turn) and not last
        try:
            data = own_answer(response, turn.scanned, keep=keep)
        except ValueError as bug:  # a middleware's field that may not leave
            response = turn.failed(bug)
            data = own_answer(response, turn.scanned, keep=keep)
        turn.started = True
        turn.tally.status = response.status
        if isinstance(response.body, bytes) and turn.scanned.method != "HEAD":
            turn.tally.bytes_out = len(response.body)
        self.wire.send_if_open(data)
        self.finish(turn, keep)

    def refuse(self, refused: Refused) -> None:
        """Say what is wrong and leave.  An app that has got the beginning of this never gets its end."""
        self.detach()
        turn, tally = self.turn, refused.tally
        tally.fault = refused.reason
        if turn and turn.started:
            self.cut(turn)
            return
        tally.status = refused.status
        answer = own_answer(page(refused.status, turn.head if turn else None), None, keep=False)
        self.wire.send_if_open(answer)
        if turn:
            self._record(turn)
        else:
            self._gate.log(tally.ended(self._connection.clock()))
        self._connection.leave()

    def time_out_head(self, since: float) -> None:
        tally = self._reception.tally(since)
        self.refuse(Refused(408, "the head of the request did not come", tally))

    def time_out_content(self, turn: Turn) -> None:
        self.refuse(Refused(408, "the content of the request did not come", turn.tally))

    # The fast lane

    def _remember(self, turn: Turn, route: Route) -> None:
        """A head without content whose way depends on nothing but itself and the table goes there again."""
        receipt = turn.receipt
        simple = route.steady and route.plain and not route.particular
        if receipt and turn.received and simple and not receipt.path.startswith(CHALLENGE):
            course = self._course
            if course is None or course.table is not self._gate.table or course.route is not route:
                course = self._course = Course(self._gate.table, route)
            receipt.course, receipt.served = course, turn.head

    def _let_pass(self, turn: Turn, lane: FastLane, route: Route) -> None:
        passage: Passage = (
            ParticularPassage(lane, self, turn, route)
            if route.particular
            else Passage(lane, self, turn, route)
        )
        self._passage = passage
        if self._pending and not turn.received:
            self._take_in(turn)  # what is here of the content leaves together with the head
        if self._still_has(passage):
            passage.set_out()

    def _still_has(self, passage: Passage) -> bool:
        """A question of its own: compiled, the attribute is believed to be what was assigned to it above."""
        return self._passage is passage

    def client_ready(self) -> None:
        if self._passage:
            self._passage.client_ready()

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
            self.refuse(Refused(bad.status, bad.reason, turn.tally))
            return
        turn.tally.bytes_in = intake.size
        turn.received, turn.trailers = intake.ended, intake.trailers
        if self._passage:
            self._passage.take(content)
        elif self._facade and (framed := intake.framed(content)):
            self._facade.feed(framed)
        # An answer that came within this call has already seen to what is next.
        here = self.turn is turn and self._connection.phase == Phase.TURN
        if here and turn.received and turn.answered:
            self._next()
        elif here and self._passage and intake.left >= WORTH_IT and (source := self.wire.quiet_socket()):
            self._passage.let_flow(source, intake.left)

    def flowed(self, count: int) -> None:
        """So much of the content went to the server without passing here."""
        if self.turn and self._intake:
            self._connection.listen_again()
            self._intake.skip(count)
            self.turn.tally.bytes_in = self._intake.size

    def flowed_out(self) -> None:
        """The last of the content went that way, too."""
        turn = self.turn
        if turn and self._passage:
            turn.received = True
            self._passage.flowed_out()

    def detach(self) -> None:
        """Take the connection away from its lane: what is asked of a server is given up."""
        facade, self._facade = self._facade, None
        passage, self._passage = self._passage, None
        if facade:
            facade.detach()
        if passage:
            passage.abandon()

    def hold(self, reason: int) -> None:
        if self._connection.phase == Phase.TURN:
            self.wire.hold(reason)

    def release(self, reason: int) -> None:
        if self.wire.release(reason):
            self._connection.listen_again()

    def lane_done(self) -> None:
        """aiohttp is done with this connection."""
        if self._facade and self._connection.phase == Phase.TURN:
            self._connection.leave()

    # From whoever answers

    def may_keep(self, turn: Turn) -> bool:
        """Whether the connection may serve another request after this one."""
        scanned = turn.scanned
        if not scanned.keep_alive or (scanned.expects_continue and turn.awaits_invitation):
            return False
        return not self._asked_to_go

    @property
    def _asked_to_go(self) -> bool:
        return self._gate.asks_to_go

    def inform(self, turn: Turn, head: ResponseHead) -> None:
        """Pass an interim response on at once; HTTP/1.0 clients know none (RFC 9110 15.2)."""
        if turn.scanned.http10 or turn.started or turn is not self.turn:
            return
        invites = head.status == 100 and not turn.invited
        if self.wire.unsent > FLOOD and not invites:  # without its invitation the client would wait for ever
            return
        if invites:
            turn.invited = True
            self._connection.listen_again()
        self.wire.send_if_open(interim(head))

    def upgrade(self, turn: Turn) -> ClientStream:
        """The client's end as a stream, beginning with what it has already sent."""
        early, self._pending = bytes(self._pending), bytearray()
        stream = self._connection.upgrade(turn.tally, early)
        self.wire.release(Hold.PIPELINED)
        return stream

    def finish_and_stay(self, turn: Turn) -> None:
        """An answer went out at once, after a request that was whole; `may_keep` has just been asked."""
        self._record(turn)
        self._rest()

    def finish(self, turn: Turn, keep: bool) -> None:
        """The answer is out whole."""
        self._record(turn)
        if not keep:
            self._connection.leave()
        elif turn.received:
            self._next()

    def cut(self, turn: Turn) -> None:
        """End an answer that cannot be completed so that the client cannot take it for complete."""
        self._record(turn)
        self._connection.cut(reset=turn.ends_by_closing)

    def lost(self, fault: str) -> None:
        """The client's connection is gone."""
        self.detach()
        if self.turn and not self.turn.answered:
            self.turn.tally.fault = self.turn.tally.fault or fault
            self._record(self.turn)

    def _record(self, turn: Turn) -> None:
        if not turn.answered:
            turn.answered = True
            now = turn.answered_at = self._connection.clock()
            self._gate.log(turn.tally.ended(now))

    def _next(self) -> None:
        if self._asked_to_go:
            self.turn = self._intake = self._passage = None
            self._connection.enter(Phase.IDLE)
            self._connection.leave()
        else:
            self._rest()

    def _rest(self) -> None:
        """Between two requests."""
        now = self.turn.answered_at if self.turn and self._intake is None else None
        self.turn = self._intake = self._passage = None
        self._connection.enter(Phase.IDLE, now)
        if self.wire.held:
            self.wire.release(Hold.PIPELINED | Hold.SERVER)
        if self._pending:
            # Not from within the handler whose turn has just ended.
            asyncio.get_running_loop().call_soon(self.advance)
