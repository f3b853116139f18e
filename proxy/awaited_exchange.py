"""AwaitedExchange: an exchange that somebody waits for: its answer is a future, its content an iterator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from proxy.crowding import Slot
from proxy.exchange import Body, Request, Response, ResponseHead, Truncated, get
from proxy.framing import Framing, write_chunk, write_last_chunk
from proxy.head import ScannedResponse
from proxy.incoming import Incoming, ResponseBody
from proxy.socket_transport import READ_SIZE
from proxy.tunnel import Tunnel
from proxy.upstream_exchange import Timeouts, UpstreamExchange
from proxy.upstream_wire import ServerLeft

if TYPE_CHECKING:
    from proxy.upstream_connection import UpstreamConnection


class AwaitedExchange(UpstreamExchange):
    largest_read: int = READ_SIZE
    """A task stands between the two sockets: a slow client has it wait with a whole piece."""

    def __init__(
        self,
        line: UpstreamConnection,
        request: Request,
        framing: Framing,
        upgrade: str,
        timeouts: Timeouts,
        slot: Slot | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        super().__init__(request.head.method, request.head.http10, upgrade, timeouts)
        self._line = line
        self._request = request
        self._framing = framing
        self._slot = slot
        self._answer: asyncio.Future[Response] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._incoming: Incoming | None = None
        self._is_to_invite = False
        """Its client sends nothing before the server says so (RFC 9110 10.1.1)."""

    async def run(self, head: bytes) -> Response:
        """Send the request; its response as soon as the head of it is here."""
        answer: asyncio.Future[Response] = self._loop.create_future()
        self._answer = answer
        self._line.write(head)
        self._moved()
        if self._framing.length == 0:
            self._sent = True
        else:
            # The pump outlives this call, because a server may answer while it still reads.  It belongs to
            # the exchange, which ends it, and whatever it raises fails the exchange: nothing is lost.
            self._pump = self._loop.create_task(self._send_content(self._request.body))
        try:
            return await answer
        except asyncio.CancelledError:
            self._fail(Truncated("nobody waits for the answer any more"))
            if answer.done() and not answer.cancelled():
                answer.exception()  # an error that came at the same moment is of no interest now
            raise
        finally:
            self._answer = None  # only its reader shall hold the response: one who drops it is noticed

    # The request

    async def _send_content(self, body: Body) -> None:
        try:
            await self._write_content(body)
        except ServerLeft:
            self._pump = None  # `lost` follows, maybe with an answer that came before
        except Exception as error:
            self._pump = None
            self._fail(error)

    async def _write_content(self, body: Body) -> None:
        length, count = self._framing.length, 0
        # A client that wants to be invited (RFC 9110 10.1.1) waits for the server, not the server for it.
        self._is_to_invite = bool(get(self._request.head.fields, "Expect"))
        if not self._is_to_invite:
            self._await_client()
        async for piece in body:
            self._is_to_invite = False
            count += len(piece)
            if length is not None and count > length:
                raise Truncated("the request is longer than it said")
            if self._line.readable():
                await asyncio.sleep(0)  # an early answer, maybe with a reset behind it: read before we write
            self._line.write(piece if length is not None else write_chunk(piece))
            self._moved()
            await self._line.drain()
            self._moved()
            if count == length:
                break
            self._await_client()
        if length is None:
            self._line.write(write_last_chunk(body.trailers))
        elif count < length:
            raise Truncated("the client went before the end of its request")
        self._sent = True
        self._moved()

    def _unwanted(self) -> None:
        if self._pump and not self._sent:
            self._pump.cancel()
        if self._slot and self._head:  # without an answer it is for whoever asked to leave it
            self._slot.leave()

    # The response

    def _interim(self, head: ResponseHead) -> None:
        self._request.inform(head)
        if self._is_to_invite and head.status == 100:
            self._is_to_invite = False
            self._await_client()

    def _whole(self, head: ScannedResponse, content: bytes) -> None:
        self._resolve(head, content)

    def _opened(self, head: ScannedResponse, content: bytes, ended: bool) -> None:
        incoming = self._incoming = Incoming(self)
        self._resolve(head, ResponseBody(incoming, head.framing.length))
        self._more(content, ended)

    def _switched(self, head: ScannedResponse, early: bytes) -> None:
        incoming = self._incoming = Incoming(self)
        incoming.put(early)
        self._resolve(head, b"", Tunnel(self._line, incoming))

    def _resolve(self, head: ScannedResponse, body: bytes | Body, upgraded: Tunnel | None = None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(Response(head.status, head.fields, head.reason, body, upgraded))

    def _more(self, content: bytes, ended: bool) -> None:
        if self._incoming:
            self._incoming.put(content)
            if ended:
                self._incoming.end(self._reader.trailers)

    def _broken(self, error: Exception) -> None:
        if self._incoming:
            self._incoming.fail(error if isinstance(error, Truncated) else Truncated(str(error)))
        elif self._answer and not self._answer.done():
            self._answer.set_exception(error)
