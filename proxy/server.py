"""Server: the aiohttp lane.  aiohttp runs the handler, buffers the body and slows clients down; what is asked
and what is answered are our own values.

    Turn -> Request -> middlewares -> a server of the service -> Response -> Answer, which writes itself
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from typing import cast

from aiohttp import http_parser, web
from aiohttp.web_protocol import RequestHandler

from proxy.aiohttp_later import SlowParser
from proxy.balancer import Balancer
from proxy.client_body import ClientBody
from proxy.decision import dressed
from proxy.delivery import deliver
from proxy.dialogue import Dialogue
from proxy.exchange import Empty, Handler, NeverSent, NoServer, Request, Response, UpstreamError
from proxy.explainer import Explainer
from proxy.framing import NO_BODY
from proxy.headers import from_server, to_server
from proxy.limits import Limits
from proxy.model import Server
from proxy.pages import page
from proxy.pick import Pick
from proxy.queueing import Patience, pick_or_wait
from proxy.repeating import may_ask_another, may_be_repeated
from proxy.table import Route
from proxy.turn import Turn
from proxy.upstream import Pool, Unanswered

NEVER = 10.0 * 365 * 86400
"""aiohttp's own idle timer is off; the entrypoint's sweeper knows better."""


class AiohttpLane:
    def __init__(
        self, pool: Pool, balancer: Balancer, limits: Limits, explainer: Explainer | None = None
    ) -> None:
        if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
            raise SlowParser
        self._pool = pool
        self._balancer = balancer
        self._limits = limits
        self._explainer = explainer

    @cached_property
    def _server(self) -> web.Server:
        return web.Server(
            self._handle,
            handler_cancellation=True,  # a client that leaves takes its upstream request with it
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=NEVER,
            lingering_time=self._limits.unread,
            # Twice this may wait for a slow server: 200 stalled uploads hold 13 MB, not 100 as by default.
            read_bufsize=32 * 1024,
        )

    def new_protocol(self) -> RequestHandler:
        return self._server()

    async def close(self) -> None:
        """Wait until handlers that were cancelled have let go of what they held."""
        await self._server.shutdown(timeout=0.5)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        dialogue = cast("Dialogue | None", request.get_extra_info("dialogue"))
        turn = dialogue.turn if dialogue else None
        if dialogue is None or turn is None:
            raise ConnectionResetError("the client left")
        if turn.response or turn.route is None:
            answer = turn.response or page(404, turn.head)
            return Answer(dialogue, turn, await self._explained(turn, answer))
        framing = turn.scanned.framing
        body = Empty() if framing is NO_BODY else ClientBody(request.content, turn, framing.length)
        asked = Request(turn.head, body, inform=partial(dialogue.inform, turn))
        return Answer(dialogue, turn, await self._respond(turn, turn.route, asked))

    async def _respond(self, turn: Turn, route: Route, request: Request) -> Response:
        """The route's response, or the page that stands for its failure: mapped here and nowhere else."""
        try:
            return dressed(await self._serve(turn, route, request), turn.head, route.on_response)
        except Exception as bug:
            return turn.failed(bug)

    async def _serve(self, turn: Turn, route: Route, request: Request) -> Response:
        handler: Handler = partial(self._ask, turn, route)
        for middleware in reversed(route.wrap):
            handler = middleware.wrap(handler)
        try:
            return await handler(request)
        except UpstreamError as error:
            turn.tally.fault = str(error)
            return await self._explained(turn, page(error.status, turn.head, error.detail))

    async def _explained(self, turn: Turn, response: Response) -> Response:
        """The page of our own, with the reason below it for whoever may read that."""
        if self._explainer is None or not turn.explains:
            return response
        return await self._explainer.explained(turn, turn.tally.entrypoint, response)

    async def _ask(self, turn: Turn, route: Route, request: Request) -> Response:
        """Ask a server, and another one when that is safe."""
        if route.service is None:
            raise NoServer(f"router {route.name} has no service")
        tried: list[Server] = []
        patience = Patience()
        while True:
            pick = await pick_or_wait(self._balancer, route.service, request.head, tried, patience)
            server = pick.server
            turn.tally.server = server.url
            try:
                response = await self._ask_one(turn, pick, request)
                return dressed(response, request.head, pick.steps) if pick.steps else response
            except UpstreamError as error:
                if pick.watch:
                    pick.watch.failed(error)
                if not isinstance(error, NeverSent | Unanswered):
                    raise
                tried.append(server)
                repeatable = may_be_repeated(request.head.method, request.body.length)
                if not may_ask_another(route.service.servers, tried, error, repeatable=repeatable):
                    raise

    async def _ask_one(self, turn: Turn, pick: Pick, request: Request) -> Response:
        upgrade = turn.scanned.upgrade
        fields = to_server(request.head, pick.service, pick.server, upgrade or None)
        try:
            response = await self._pool.ask(pick.server, fields, request, upgrade, pick.slot)
        except BaseException:
            pick.leave()
            raise
        return replace(response, fields=from_server(response.fields))


class Answer(web.StreamResponse):
    """A response that writes itself when aiohttp asks it to: aiohttp neither adds nor drops a byte."""

    def __init__(self, dialogue: Dialogue, turn: Turn, response: Response) -> None:
        super().__init__(status=response.status)
        self._dialogue = dialogue
        self._turn = turn
        self._response = response
        self._kept = False

    @property
    def keep_alive(self) -> bool | None:
        return self._kept

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        self._kept = await deliver(self._dialogue, self._turn, self._response)
