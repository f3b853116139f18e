"""Lane: the fast one, for requests of plain routes, from the client's socket to a server's and back.

No task, no await and no future: each call comes from one of the two sockets and
ends at the other.  Which server is asked, when another one, and what a failure
looks like is what `server.py` does for the lane of aiohttp.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from proxy.balancer import Balancer
from proxy.decision import dressed
from proxy.delivery import Opening, open_answer
from proxy.exchange import NeverSent, NoServer, Response, ResponseHead, UpstreamError
from proxy.framing import NO_BODY, write_chunk, write_last_chunk
from proxy.head import ScannedResponse
from proxy.headers import from_server, to_server
from proxy.model import Server, Service
from proxy.pages import page
from proxy.table import Route
from proxy.turn import Turn
from proxy.upstream import ATTEMPTS, IDEMPOTENT, Pool
from proxy.upstream_connection import UpstreamConnection
from proxy.upstream_exchange import Unanswered, UpstreamExchange
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
        """Whether the turn may pass here: it needs no body middleware, no tunnel, no TLS behind us."""
        route = turn.route
        if route is None or route.wrap or turn.scanned.upgrade:
            return False
        return route.service is None or all(server.scheme == "http" for server in route.service.servers)


class Passage(UpstreamExchange):
    def __init__(self, lane: FastLane, dialogue: Dialogue, turn: Turn, route: Route) -> None:
        super().__init__(turn.head.method, turn.head.http10, "", lane.pool.timeouts)
        self._lane = lane
        self._dialogue = dialogue
        self._turn = turn
        self._route = route
        self._over = True  # until somebody is asked
        length = turn.scanned.framing.length
        self._framing = frame_request(turn.head.method, length)
        self._repeatable = length == 0 and turn.head.method in IDEMPOTENT
        self._tried: list[Server] = []
        self._server: Server | None = None
        self._kept = False
        """The server is asked over a connection that has served before."""
        self._unsent: list[bytes] = []
        self._opening: Opening | None = None
        self._left = False
        self._connecting: asyncio.Task[None] | None = None

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
            server = self._server = self._lane.balancer.choose(service, excluding=self._tried)
            self._turn.tally.server = server.url
            try:
                kept = self._lane.pool.take(server)
            except NeverSent as error:
                if not self._may_ask_another(error):
                    raise
                continue
            if kept:
                self._kept = True
                self._ask(kept, server)
            else:
                self._connect(server)
            return

    def _may_ask_another(self, error: UpstreamError) -> bool:
        """The same rule as in the other lane; whether anybody is left to ask, too."""
        if self._server:
            self._tried.append(self._server)
        service = self._route.service
        if service is None or not set(service.servers) - set(self._tried):
            return False
        if isinstance(error, NeverSent):
            return len(self._tried) < ATTEMPTS
        return len(self._tried) == 1 and self._repeatable

    def _connect(self, server: Server) -> None:
        # Connecting has time-outs, TLS and names to look up, and happens once per kept connection.
        self._connecting = self._loop.create_task(self._ask_over_new(server))

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
        if self._unsent:
            data = b"".join((data, *self._unsent))
            self._unsent.clear()
        self._dialogue.release("server")
        self._sent = self._turn.received
        self._line.write(data)
        self._moved()

    def _written(self, server: Server) -> bytes:
        head, service = self._turn.head, self._route.service
        if service is None:
            raise NoServer(f"router {self._route.name} has no service")
        fields = to_server(head, service, server)
        host = server.url.partition("://")[2]
        return write_request(head.method, head.target, fields, self._framing, host=host)

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
            self._unsent.append(data)
            if sum(map(len, self._unsent)) >= HELD:
                self._dialogue.hold("server")

    def _pass_on(self, data: bytes) -> None:
        if self._over:
            return  # the server has just answered, or gone
        if data:
            self._line.write(data)
        self._sent = self._turn.received
        self._moved()

    def paused(self) -> None:
        self._dialogue.hold("server")

    def resumed(self) -> None:
        self._moved()
        self._dialogue.release("server")

    def _unwanted(self) -> None:
        self._dialogue.release("server")

    # The response

    def _interim(self, head: ResponseHead) -> None:
        self._dialogue.inform(self._turn, head)

    def _whole(self, head: ScannedResponse, content: bytes) -> None:
        try:
            response = self._dressed(Response(head.status, from_server(head.fields), head.reason, content))
        except Exception as bug:
            response = self._turn.failed(bug)
        self._answer(response)

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

    def _more(self, content: bytes, ended: bool) -> None:
        self._pass_back(content, ended, b"")

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
        wire.send_if_open(head + content if head else content)
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
        return dressed(response, self._turn.head, self._route.on_response)

    def _answer(self, response: Response) -> None:
        """Send a response whose content is here."""
        dialogue, turn = self._dialogue, self._turn
        body = response.body if isinstance(response.body, bytes) else b""
        try:
            opening = open_answer(dialogue, turn, response, len(body))
        except ValueError as bug:
            response = turn.failed(bug)
            body = response.body if isinstance(response.body, bytes) else b""
            opening = open_answer(dialogue, turn, response, len(body))
        if opening.framing is NO_BODY:
            body = b""
        turn.tally.bytes_out = len(body)
        dialogue.wire.send_if_open(opening.head + body)
        if dialogue.wire.open:
            dialogue.finish(turn, opening.keep)

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
            self._loop.call_soon(self._set_out_again)
        else:
            self._give_up(error)

    def _set_out_again(self) -> None:
        if not self._left:
            self._kept = False
            self.set_out()

    def _give_up(self, error: Exception) -> None:
        """The page that stands for the failure: mapped here and nowhere else in this lane."""
        turn = self._turn
        self._unsent.clear()
        if not isinstance(error, UpstreamError):
            self._answer(turn.failed(error))
            return
        turn.tally.fault = str(error)
        try:
            response = self._dressed(page(error.status, turn.head))
        except Exception as bug:
            response = turn.failed(bug)
        self._answer(response)

    def _cut(self, error: Exception) -> None:
        """What cannot be completed must not look complete."""
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

    def abandon(self) -> None:
        """The client is gone, or has been told something else."""
        self._left = True
        self._unsent.clear()
        if self._connecting:
            self._connecting.cancel()
        self._let_go()
