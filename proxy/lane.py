"""Lane: the fast one, for requests of plain routes, from the client's socket to a server's and back.

No task, no await and no future: each call comes from one of the two sockets and
ends at the other.  Which server is asked, when another one, and what a failure
looks like is what `server.py` does for the lane of aiohttp.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

from proxy.answering import Answering
from proxy.balancer import Balancer
from proxy.conduit import Conduit, take_pipe
from proxy.edited import edited
from proxy.exchange import NeverSent, NoServer, RequestHead, ResponseHead, UpstreamError
from proxy.framing import write_chunk, write_last_chunk
from proxy.headers import to_server
from proxy.model import Server, Service
from proxy.pages import page
from proxy.pick import Pick, Watch
from proxy.repeating import may_ask_another, may_be_repeated
from proxy.socket_transport import SocketTransport
from proxy.table import Route
from proxy.turn import Turn
from proxy.upstream import Pool
from proxy.upstream_connection import UpstreamConnection
from proxy.upstream_exchange import Unanswered
from proxy.upstream_wire import ServerLeft
from proxy.wire import Hold
from proxy.writing import frame_request, write_request

if TYPE_CHECKING:
    from proxy.dialogue import Dialogue

HELD: Final = 64 * 1024
"""Octets of content that wait for a server to be connected before the client has to wait."""


@dataclass(frozen=True, slots=True)
class FastLane:
    """What all passages have in common."""

    pool: Pool
    balancer: Balancer

    def takes(self, turn: Turn) -> bool:
        """Whether the turn may pass here, with its head as it is then: nothing waits, nor is a tunnel."""
        route = turn.route
        if route is None or turn.scanned.upgrade or (route.wrap and not route.hurried):
            return False
        head: RequestHead | None = turn.head
        for step in route.hurried:
            try:
                head = step.at_once(head) if head else None
            except Exception:
                return False  # in the other lane it fails again, and is told of
        if head is None:
            return False
        turn.head = head
        return True


class Passage(Answering):
    _over: bool = True  # until somebody is asked
    _tried: tuple[Server, ...] = ()
    _server: Server | None = None
    _service: Service | None = None
    """The one that the server belongs to, where the route's is made of several."""
    _watch: Watch | None = None
    _kept: bool = False
    """The server is asked over a connection that has served before."""
    _unsent: bytes = b""
    _slow: bool = False
    """Enough waits for the server."""
    _connecting: asyncio.Task[None] | None = None

    def __init__(self, lane: FastLane, dialogue: Dialogue, turn: Turn, route: Route) -> None:
        super().__init__(turn.scanned.method, turn.scanned.http10, "", lane.pool.timeouts)
        self._dialogue = dialogue
        self._turn = turn
        self._route = route
        self._on_response = route.on_passage
        self._alike = route.alike
        self._lane = lane
        self._framing = turn.scanned.framing

    # Which server

    def set_out(self) -> None:
        """Ask the next server; called once the turn is complete but for content that has not come."""
        try:
            self._ask_next(self._route.service)
        except UpstreamError as error:
            self._give_up(error)
        except Exception as bug:
            self._give_up(bug)

    def _ask_next(self, service: Service | None) -> None:
        if service is None:
            raise NoServer(f"router {self._route.name} has no service")
        while True:
            if self._route.picks:
                server = self._server = self._pick(service)
            else:
                server = self._server = self._lane.balancer.choose(service, excluding=self._tried)
            try:
                kept = self._lane.pool.take(server)
            except NeverSent as error:
                self._turn.tally.server = server.url
                if not self._may_ask_another(error):
                    raise
                continue
            if kept:
                self._turn.tally.server = kept.url
                self._kept = True
                self._ask(kept, server)
            else:
                self._turn.tally.server = server.url
                self._connect(server)
            return

    def _pick(self, service: Service) -> Server:
        pick = self._lane.balancer.pick(service, self._turn.head, self._tried)
        self._choose(pick)
        return pick.server

    def _choose(self, pick: Pick) -> None:
        self._service, self._watch = pick.service, pick.watch
        passage = self._route.on_passage
        self._on_response = (*pick.steps, *passage) if passage and pick.steps else pick.steps or passage
        self._alike = self._route.alike and pick.watch is None

    def _may_ask_another(self, error: UpstreamError) -> bool:
        if self._watch:
            self._watch.failed(error)
            self._watch = None
        if self._server:
            self._tried += (self._server,)
        service = self._route.service
        servers = service.servers if service else ()
        return may_ask_another(servers, self._tried, error, repeatable=self._repeatable)

    @property
    def _repeatable(self) -> bool:
        return may_be_repeated(self._method, self._framing.length)

    def _connect(self, server: Server) -> None:
        # Connecting has time-outs, TLS and names to look up, and happens once per kept connection.
        self._connecting = asyncio.get_running_loop().create_task(self._ask_over_new(server))

    async def _ask_over_new(self, server: Server) -> None:
        self._kept = False
        try:
            line = await self._lane.pool.connect(server)
            self._connecting = None
            self._ask(line, server)
        except UpstreamError as error:
            self._connecting = None
            if self._may_ask_another(error):
                self.set_out()
            else:
                self._give_up(error)
        except Exception as bug:
            self._connecting = None
            self._give_up(bug)

    # The request

    def _ask(self, line: UpstreamConnection, server: Server) -> None:
        try:
            data = self._written(server)
        except Exception:
            line.abort()
            raise
        line.engage(self)
        self._line = line
        self._over = False
        if line.timeouts is not self._timeouts:
            self._timeouts = line.timeouts
            self._patience = line.timeouts.first_byte
        if self._unsent:
            data, self._unsent = data + self._unsent, b""
            self._dialogue.release(Hold.SERVER)
        self._sent = self._turn.received
        line.write(data)
        line.deadline = monotonic() + self._patience
        self._expect_of_whom()

    def _written(self, server: Server) -> bytes:
        """The head for the server, from memory where nothing about it can have changed."""
        head, receipt = self._turn.head, self._turn.receipt
        service = self._service or self._route.service
        if service is None:
            raise NoServer(f"router {self._route.name} has no service")
        same = receipt is not None and receipt.served is head and service.pass_host_header
        if receipt and same and receipt.written and receipt.written_for is head:
            return receipt.written
        written = self._composed(head.target, service, server)
        if receipt and same and head.host:
            receipt.written, receipt.written_for = written, head
        return written

    def _composed(self, target: str, service: Service, server: Server) -> bytes:
        head, receipt = self._turn.head, self._turn.receipt
        if receipt and receipt.written and receipt.written_for is receipt.head and service.pass_host_header:
            changed = edited(receipt.written, receipt.head, head, target)
            if changed is not None:
                return changed
        fields = to_server(head, service, server)
        framing = frame_request(head.method, self._framing.length)
        return write_request(head.method, target, fields, framing, host=server.host)

    def take(self, content: bytes) -> None:
        """The next of the client's content, checked; the turn says whether it is the last of it."""
        turn = self._turn
        chunked = self._framing.kind == "chunked"
        data = write_chunk(content) if chunked else content
        if turn.received and chunked:
            data += write_last_chunk(turn.trailers)
        if not self._over:
            self._line.look()
            self._pass_on(data)
        elif not turn.started and not self._left:
            self._unsent += data
            if len(self._unsent) >= HELD:
                self._dialogue.hold(Hold.SERVER)

    def _pass_on(self, data: bytes) -> None:
        if self._over:
            return  # the server has just answered, or gone
        try:
            self._line.write(data)
        except ServerLeft:
            return  # `lost` follows, maybe with an answer that came before
        self._sent = self._turn.received
        self._moved()
        self._expect_of_whom()

    def _expect_of_whom(self) -> None:
        """The next step is the client's while it uploads, unless the server is slow or has to invite it."""
        if not (self._sent or self._slow or self._turn.awaits_invitation):
            self._await_client()

    def _interim(self, head: ResponseHead) -> None:
        super()._interim(head)
        self._expect_of_whom()  # whoever has been invited has the next step

    def let_flow(self, source: SocketTransport, size: int) -> None:
        """The client has so much more to say: the kernel may move it."""
        sink = None if self._over or self._conduit else self._line.quiet_socket()
        if sink is not None and (pipe := take_pipe()):
            self._conduit = Conduit(
                pipe, source, sink, size,
                moved=self._flowed_up, hold=self.paused, release=self.resumed, done=self._dialogue.flowed_out,
            )  # fmt: skip

    def _flowed_up(self, count: int) -> None:
        self._dialogue.flowed(count)
        self._moved()
        self._expect_of_whom()

    def flowed_out(self) -> None:
        """All of the client's content is on its way."""
        self._conduit = None
        self._sent = True
        self._moved()

    def paused(self) -> None:
        self._slow = True
        self._moved()  # from here on the next step is the server's
        self._dialogue.hold(Hold.SERVER)

    def resumed(self) -> None:
        self._slow = False
        self._moved()
        self._expect_of_whom()
        self._dialogue.release(Hold.SERVER)

    # Failing

    def _broken(self, error: Exception) -> None:
        if self._left:
            return
        if self._opening:
            self._cut(error)
        elif isinstance(error, Unanswered) and self._server and self._repeatable and self._kept:
            # Only now and then does a server close just as we ask.  What has no content and does the
            # same when done twice is asked again, once (RFC 9110 9.2.2, RFC 9112 9.3.1).
            self._connect(self._server)
        elif isinstance(error, Unanswered) and self._may_ask_another(error):
            asyncio.get_running_loop().call_soon(self._set_out_again)
        else:
            self._give_up(error)

    def _set_out_again(self) -> None:
        if not self._left:
            self._kept = False
            self.set_out()

    def _give_up(self, error: Exception) -> None:
        """The page that stands for the failure: mapped here and nowhere else in this lane."""
        turn = self._turn
        self._unsent = b""
        self._on_response = self._route.on_passage  # what the server would have been remembered by
        if self._watch:
            self._watch.failed(error)
            self._watch = None
        if not isinstance(error, UpstreamError):
            self._answer(turn.failed(error))
            return
        turn.tally.fault = str(error)
        try:
            response = self._dressed(page(error.status, turn.head, error.detail))
        except Exception as bug:
            response = turn.failed(bug)
        self._answer(response)

    def abandon(self) -> None:
        """The client is gone, or has been told something else."""
        self._left = True
        self._unsent = b""
        self._stop_flow()
        if self._connecting:
            self._connecting.cancel()
        self._let_go()
