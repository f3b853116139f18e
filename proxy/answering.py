"""Answering: a server's answer on its way to the client of the fast lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxy.conduit import WORTH_IT, Conduit, take_pipe
from proxy.decision import dressed
from proxy.delivery import Opening, open_answer
from proxy.exchange import OnResponse, UpstreamError
from proxy.framing import NO_BODY, LengthReader, write_chunk, write_last_chunk
from proxy.head import ScannedResponse
from proxy.headers import from_server
from proxy.message import Response, ResponseHead
from proxy.receipt import Receipt
from proxy.table import Route
from proxy.turn import Turn
from proxy.upstream_exchange import AnswerMemo, UpstreamExchange, kept_for
from proxy.wire import Hold

if TYPE_CHECKING:
    from proxy.dialogue import Dialogue

LONGEST_MEMO: Final = 4 * 1024
"""Octets of an answer's head that a connection remembers at most."""


class Answering(UpstreamExchange):
    _dialogue: Dialogue
    _turn: Turn
    _route: Route
    _on_response: tuple[OnResponse, ...]
    """What the answer goes through, innermost first."""
    _alike: bool
    """It makes the same of the same answer, whoever asked."""
    # What most answers never change is written once, here.
    _opening: Opening | None = None
    _block: bytes = b""
    """The head of the answer, if it may come again like this."""
    _left: bool = False
    """Nobody waits for the answer any more."""
    _conduit: Conduit | None = None
    """Where much content flows, one way or the other."""

    def received(self, data: bytes) -> None:
        memo = self._memory()
        if memo and self._head is None and self._sent and not self._pending and data.startswith(memo.block):
            same = len(data) == memo.size and self._may_repeat(memo)
            if same:
                self._repeat(memo, data)
                return
        super().received(data)

    def _memory(self) -> AnswerMemo | None:
        """Of the last answer like this one: the server's own, unless middlewares have changed it."""
        if self._alike:
            known = self._line.memo
            return known if known and known.steps is self._on_response else None
        receipt = self._turn.receipt
        memo = receipt.answer if receipt and self._depends_on_heads(receipt) else None
        return memo if memo and memo.route is self._route else None

    def _depends_on_heads(self, receipt: Receipt) -> bool:
        """Whether what the client gets depends on nothing but the server's answer and this very request."""
        route = self._route
        return (
            route.steady_back and self._on_response is route.on_passage and receipt.served is self._turn.head
        )

    def _may_repeat(self, memo: AnswerMemo) -> bool:
        """Whether the client gets the same head for the same head of the server."""
        return (
            memo.method == self._method
            and not self._http10
            and self._dialogue.wire.open
            and self._dialogue.may_keep(self._turn)
        )

    def _repeat(self, memo: AnswerMemo, data: bytes) -> None:
        turn, dialogue = self._turn, self._dialogue
        turn.started = True
        turn.tally.status = memo.status
        turn.tally.bytes_out = memo.size - len(memo.block)
        self._over = True
        self._line.done(memo.keep_for)
        if dialogue.wire.held:
            dialogue.release(Hold.SERVER)
        dialogue.wire.send_if_open(memo.written + data[len(memo.block) :])
        dialogue.finish_and_stay(turn)

    def _learn(self, block: bytes, head: ScannedResponse) -> None:
        self._line.memo = None
        if len(block) <= LONGEST_MEMO and b"set-cookie" not in block.lower():
            self._block = block

    def _remember(self, head: ScannedResponse, content: bytes, opening: Opening) -> None:
        """What the same answer would look like, unless it depends on more than its head."""
        length = head.framing.length
        if not self._block or length != len(content) or not (opening.keep and head.keep_alive):
            return
        if self._http10:
            return
        memo = AnswerMemo(
            self._block,
            len(self._block) + len(content),
            self._method,
            head.status,
            opening.head,
            kept_for(head, self._timeouts.keep_alive),
            self._route,
            self._on_response,
        )
        receipt = self._turn.receipt
        if self._alike:
            self._line.memo = memo
        elif receipt and self._depends_on_heads(receipt):
            receipt.answer = memo

    def _interim(self, head: ResponseHead) -> None:
        self._dialogue.inform(self._turn, head)

    def _whole(self, head: ScannedResponse, content: bytes) -> None:
        try:
            response = self._dressed(Response(head.status, from_server(head.fields), head.reason, content))
        except Exception as bug:
            self._answer(self._turn.failed(bug))
            return
        if opening := self._answer(response):
            self._remember(head, content, opening)

    def _opened(self, head: ScannedResponse, content: bytes, ended: bool) -> None:
        try:
            response = self._dressed(Response(head.status, from_server(head.fields), head.reason))
            opening = open_answer(self._dialogue, self._turn, response, head.framing.length)
        except Exception as bug:
            self._answer(self._turn.failed(bug))
            self._let_go()
            return
        if opening.framing is NO_BODY:  # a middleware made it so
            self._answer(response)
            self._let_go()
            return
        self._opening = opening
        self._pass_back(content, ended, opening.head)
        self._let_flow_back()

    def _more(self, content: bytes, ended: bool) -> None:
        self._pass_back(content, ended, b"")
        self._let_flow_back()

    def _let_flow_back(self) -> None:
        """Let the kernel move what is still to come, where that is much and both sockets are plain."""
        reader, opening = self._reader, self._opening
        if not isinstance(reader, LengthReader) or reader.left < WORTH_IT or self._over or self._conduit:
            return
        source, sink = self._line.quiet_socket(), self._dialogue.wire.quiet_socket()
        if not (opening and opening.framing.kind == "length" and self._sent and source and sink):
            return
        if pipe := take_pipe():
            self._conduit = Conduit(
                pipe, source, sink, reader.left,
                moved=self._flowed_back, hold=self.hold, release=self.release, done=self._flowed_back_out,
            )  # fmt: skip

    def _flowed_back(self, count: int) -> None:
        self._turn.tally.bytes_out += count
        if isinstance(self._reader, LengthReader):
            self._reader.skip(count)
        self._moved()

    def _flowed_back_out(self) -> None:
        self._conduit = None
        self._deliver(b"")

    def _stop_flow(self) -> None:
        conduit, self._conduit = self._conduit, None
        if conduit:
            conduit.stop()

    def _pass_back(self, content: bytes, ended: bool, head: bytes) -> None:
        """Each piece goes out as it comes; the next is read when the client has room."""
        opening, wire, turn = self._opening, self._dialogue.wire, self._turn
        if opening is None or self._left:
            return
        turn.tally.bytes_out += len(content)
        if opening.framing.kind == "chunked":
            content = write_chunk(content)
            if ended:
                content += write_last_chunk(self._reader.trailers)
        if head or content:
            wire.send_if_open(head + content)
        if ended:
            if wire.open:
                self._dialogue.finish(turn, opening.keep)
        elif wire.full and not self._over:
            self.hold()

    def client_ready(self) -> None:
        """The client has taken what waited for it."""
        if not self._over and self._opening:
            self.release()

    def _dressed(self, response: Response) -> Response:
        """With what the route's middlewares do to it."""
        return dressed(response, self._turn.head, self._on_response)

    def _answer(self, response: Response) -> Opening | None:
        """Send a response whose content is here; None where a page had to stand for it."""
        dialogue, turn = self._dialogue, self._turn
        body = response.body if isinstance(response.body, bytes) else b""
        try:
            opening = open_answer(dialogue, turn, response, len(body))
        except ValueError as bug:
            self._answer(turn.failed(bug))
            return None
        if opening.framing is NO_BODY:
            body = b""
        turn.tally.bytes_out = len(body)
        dialogue.wire.send_if_open(opening.head + body)
        if dialogue.wire.open:
            dialogue.finish(turn, opening.keep)
        return opening

    def _cut(self, error: Exception) -> None:
        """What cannot be completed must not look complete."""
        self._stop_flow()
        if isinstance(error, UpstreamError):
            self._turn.tally.fault = str(error)
        else:
            self._turn.failed(error)
        self._dialogue.cut(self._turn)

    def _let_go(self) -> None:
        """Nobody reads the rest of the answer."""
        if not self._over:
            self._over = True
            self._line.abort()

    def _unwanted(self) -> None:
        self._stop_flow()
        if self._dialogue.wire.held:
            self._dialogue.release(Hold.SERVER)
