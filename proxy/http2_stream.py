"""HTTP/2 stream: one request to a server and its response, on a connection that others use as well.

As `upstream_exchange` has it for HTTP/1.1: both ways run at the same time, the
answer is a future, its content an iterator that makes the server wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final

from proxy.crowding import Slot
from proxy.exchange import Fields, Request, Response, ResponseHead, TimedOut, Truncated, UpstreamError, get
from proxy.fields import MessageError
from proxy.http2_head import Line, announced_length, read_head, read_trailers, takes_trailers
from proxy.incoming import Incoming, ResponseBody
from proxy.rereading import Rereadable
from proxy.upstream_exchange import MOST_INTERIM, Unanswered

if TYPE_CHECKING:
    from proxy.http2_line import HTTP2Line

NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL = 0, 1, 7, 8  # RFC 9113 7
PATIENT: Final = ("text/event-stream", "application/grpc")
"""What such an answer says next may come in hours; the kernel asks whether its server still lives."""


class Refused(UpstreamError):
    """The server says that it has not looked at the request: it may be asked again (RFC 9113 8.7)."""


class HTTP2Stream:
    def __init__(
        self, line: HTTP2Line, request: Request, body: Rereadable, fields: Fields, slot: Slot | None
    ) -> None:
        self._line = line
        self._request = request
        self._body = body
        self._slot = slot
        self._takes_trailers = takes_trailers(fields)
        self._patience = line.timeouts.first_byte
        self._pump: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._incoming: Incoming | None = None
        self._trailers: Fields = ()
        self._head: ResponseHead | None = None
        self._interims = 0
        self._sent = self._over = self._held = self._is_to_invite = False
        self._unread = 0
        """Octets that the server may not replace yet: a slow client has them to read first."""
        self._left: int | None = None
        """Octets of content to come, where the server has announced how many there are."""
        self.deadline = inf
        self.number = 0

    async def run(self, lines: list[Line]) -> Response:
        """Send the request; its response as soon as the head of it is here."""
        loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Response] | None = loop.create_future()
        answer = self._answer
        self._sent = self._body.length == 0
        self.number = self._line.open(self, lines, ended=self._sent)
        self._moved()
        if not self._sent:
            # It outlives this call, because a server may answer while it still reads; the stream ends it.
            self._pump = loop.create_task(self._send_content())
        try:
            return await answer
        except asyncio.CancelledError:
            self.fail(Truncated("nobody waits for the answer any more"))
            if answer.done() and not answer.cancelled():
                answer.exception()  # an error that came at the same moment is of no interest now
            raise
        finally:
            self._answer = None  # only its reader shall hold the response: one who drops it is noticed

    # The request

    async def _send_content(self) -> None:
        try:
            await self._write_content()
        except Exception as error:
            self._pump = None
            self.fail(error)

    async def _write_content(self) -> None:
        length, count = self._body.length, 0
        self._is_to_invite = bool(get(self._request.head.fields, "Expect"))
        if not self._is_to_invite:
            self._await_client()
        async for piece in self._body:
            self._is_to_invite = False
            count += len(piece)
            if length is not None and count > length:
                raise Truncated("the request is longer than it said")
            await self._write(piece, ended=count == length)
            if self._sent:
                return
            self._await_client()
        if length is not None:
            raise Truncated("the client went before the end of its request")
        self._line.end(self.number, self._body.trailers)
        self._sent = True
        self._moved()

    async def _write(self, piece: bytes, *, ended: bool) -> None:
        """Send it in such portions as the server takes (RFC 9113 5.2)."""
        at = 0
        while at < len(piece):
            self._moved()  # from here on the next step is the server's
            while not (room := self._line.room(self.number)):
                self._room = asyncio.get_running_loop().create_future()
                await self._room
            portion = piece[at : at + room]
            at += len(portion)
            self._sent = ended and at == len(piece)
            self._line.send(self.number, portion, ended=self._sent)
        self._moved()

    def look_again(self) -> None:
        """The server may have made room."""
        if self._room and not self._room.done():
            self._room.set_result(None)

    # The response

    def heard_interim(self, lines: Iterable[Line]) -> None:
        self._interims += 1
        if self._interims > MOST_INTERIM:
            raise UpstreamError("the server sends interim responses without end")
        head = read_head(lines)
        if not self._request.head.http10:
            self._request.inform(head)
        if self._is_to_invite and head.status == 100:
            self._is_to_invite = False
            self._await_client()

    def heard_head(self, lines: Iterable[Line], *, ended: bool) -> None:
        head = self._head = read_head(lines)
        length = announced_length(self._request.head.method, head)
        if ended and length:
            raise MessageError(502, "the content that was announced did not come")
        patient = get(head.fields, "Content-Type").lower().startswith(PATIENT)
        self._patience = inf if patient else self._line.timeouts.idle_body
        self._moved()
        self._left = length
        body: bytes | ResponseBody = b""
        if not ended:
            self._incoming = Incoming(self)
            body = ResponseBody(self._incoming, length)
        if self._answer and not self._answer.done():
            self._answer.set_result(Response(head.status, head.fields, body=body))

    def heard_content(self, data: bytes, size: int) -> None:
        """`size` is that of the frame, with its padding: what the server has to be given back."""
        self._unread += size
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise MessageError(502, "there is more content than was announced")
        if data and self._incoming:
            self._incoming.put(data)
            self._moved()
        if not self._held:
            self._give_back()

    def heard_trailers(self, lines: Iterable[Line]) -> None:
        trailers = read_trailers(lines)
        self._trailers = trailers if self._takes_trailers else ()

    def heard_end(self) -> None:
        if self._over:
            return
        if self._left:
            raise MessageError(502, "there is less content than was announced")
        self._over = True
        if self._incoming:
            self._incoming.end(self._trailers)
        # It has answered what it had not read to the end: the rest is not sent (RFC 9113 8.1).
        self._let_go(None if self._sent else NO_ERROR)

    def heard_reset(self, code: int) -> None:
        if code == REFUSED_STREAM and not self._head:
            self.fail(Refused("the server refused the request"))
        elif self._head:
            self.fail(Truncated(f"the server broke its answer off (code {code})"))
        else:
            self.fail(UpstreamError(f"the server broke the request off (code {code})"))

    # The speed of whoever reads the response

    def hold(self) -> None:
        self._held = True
        self._moved()

    def release(self) -> None:
        if self._held:
            self._held = False
            self._give_back()
            self._moved()

    def abort(self) -> None:
        self.fail(Truncated("nobody reads the answer any more"))

    def _give_back(self) -> None:
        size, self._unread = self._unread, 0
        if size:
            self._line.give_back(self.number, size)

    # The clock

    def _await_client(self) -> None:
        """Of a server nothing is expected while its client is slow, whose own limit is the entrypoint's."""
        if self._head is None and not self._over:
            self.deadline = inf

    def _moved(self) -> None:
        """Something moved, so the server has its time from here; interim responses do not count."""
        self.deadline = inf if self._held or self._over else monotonic() + self._patience

    def expire(self) -> None:
        """Nothing moved for too long."""
        if self._head:
            self.fail(Truncated("the server stopped in the middle of its answer"))
        else:
            self.fail(TimedOut("the server did not answer in time"))

    # Ending

    def lost(self) -> None:
        """The connection has ended."""
        if self._head:
            self.fail(Truncated("the server closed the connection in the middle of its answer"))
        else:
            self.fail(Unanswered("the server closed the connection before it answered"))

    def fail(self, error: Exception) -> None:
        """Over; whoever waits for something hears why, and the server that nobody does."""
        if self._over:
            return
        self._over = True
        if isinstance(error, MessageError):
            error = UpstreamError(f"the server's answer is malformed: {error.reason}")
            code = PROTOCOL_ERROR
        else:
            code = CANCEL
        self._let_go(code)
        if self._incoming:
            self._incoming.fail(error if isinstance(error, Truncated) else Truncated(str(error)))
        elif self._answer and not self._answer.done():
            self._answer.set_exception(error)

    def _let_go(self, code: int | None) -> None:
        self.deadline = inf
        if self._pump and not self._sent:
            self._pump.cancel()
        if self._slot and self._head:  # without an answer it is for whoever asked to leave it
            self._slot.leave()
        self._give_back()
        if self.number:
            self._line.close_stream(self.number, code)
