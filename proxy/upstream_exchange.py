"""UpstreamExchange: one request to a server and its response.

    request out (head, then content as it comes) ----------------------> sent
    interim responses -> final head -> content as it comes -> its end -> over
                                    -> tunnel (101), until it is closed

Both lines run at the same time: a server may answer while it still reads.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol

from proxy.exchange import Body, Request, Response, ResponseHead, TimedOut, Truncated, UpstreamError, get
from proxy.fields import MessageError
from proxy.framing import BodyReader, CloseReader, Framing, reader_of, write_chunk, write_last_chunk
from proxy.head import ScannedResponse, scan_response
from proxy.incoming import Incoming, ResponseBody
from proxy.tunnel import Tunnel
from proxy.upstream_wire import ServerLeft

MOST_INTERIM: Final = 32
"""Interim responses before the final one.  They do not restart the clock either: no drip of them lasts."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds.  None of them limits a transfer that makes progress."""

    connect: float = 2.0
    """A stopped container does not refuse, its packets vanish (measured)."""
    handshake: float = 8.0
    """TLS, on top of `connect`."""
    first_byte: float = 60.0
    """From the last byte of the request that went out to the head of the final response."""
    idle_body: float = 60.0
    """Without one byte of a response that its client is ready to take."""
    keep_alive: float = 30.0
    """Between two exchanges."""


class Unanswered(UpstreamError):
    """The server went before the first byte of its answer.

    An idempotent request without content may be asked again (RFC 9110 9.2.2);
    of any other nobody knows whether it was carried out.
    """


class Line(Protocol):
    """The connection, which an exchange has for itself until it says `done`."""

    deadline: float
    """When `expire` is called."""

    @property
    def held(self) -> bool: ...
    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...
    def write_eof(self) -> None: ...
    def readable(self) -> bool: ...
    def outstanding(self) -> int: ...
    def hold(self) -> None: ...
    def release(self) -> None: ...
    def done(self, keep_for: float) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...


class UpstreamExchange:
    def __init__(
        self, line: Line, request: Request, framing: Framing, upgrade: str, timeouts: Timeouts
    ) -> None:
        self._line = line
        self._request = request
        self._framing = framing
        self._upgrade = upgrade
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Response] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._sent = False
        self._over = False
        self._outstanding = 0
        self._pending = bytearray()
        self._seen = 0
        self._interims = 0
        self._head: ScannedResponse | None = None
        self._reader: BodyReader = CloseReader()
        self._incoming: Incoming | None = None
        self._patience = timeouts.first_byte

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
        self._await_client(count)
        async for piece in body:
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
            self._await_client(count)
        if length is None:
            self._line.write(write_last_chunk(body.trailers))
        elif count < length:
            raise Truncated("the client went before the end of its request")
        self._sent = True
        self._moved()

    def _await_client(self, count: int) -> None:
        """Of a server nothing is expected while its client is slow, whose own limit is the entrypoint's.

        A client that wants to be invited (RFC 9110 10.1.1) waits for the server all the same.
        """
        invited = count or not get(self._request.head.fields, "Expect")
        if invited and self._incoming is None and not self._over:
            self._line.deadline = inf

    def _moved(self) -> None:
        """Something moved, so the server has its time from here.

        Bytes of the response head do not count, nor interim responses, or a
        drip of them would last for ever; and nothing is expected of a server
        whose client is slow.
        """
        if not self._over:
            self._line.deadline = inf if self._line.held else self._loop.time() + self._patience

    # The response

    def received(self, data: bytes) -> None:
        try:
            if self._incoming is not None:
                self._moved()
                self._deliver(self._incoming, self._reader.feed(data))
            else:
                self._pending += data
                self._read_head()
        except MessageError as bad:
            self._fail(UpstreamError(f"the server's answer is malformed: {bad.reason}"))
        except Exception as error:
            self._fail(error)  # an interim response could not be passed on: its client is gone

    def _read_head(self) -> None:
        method = self._request.head.method
        while head := scan_response(self._pending, method, self._upgrade, seen=self._seen):
            del self._pending[: head.size]
            self._seen = 0
            if head.status >= 200 or head.status == 101:
                self._begin(head)
                return
            self._inform(head)
        self._seen = len(self._pending)

    def _inform(self, head: ScannedResponse) -> None:
        """Pass an interim response on (RFC 9110 15.2), though not to HTTP/1.0, which knows none."""
        self._interims += 1
        if self._interims > MOST_INTERIM:
            raise UpstreamError("the server sends interim responses without end")
        if not self._request.head.http10:
            self._request.inform(ResponseHead(head.status, head.fields, head.reason))

    def _begin(self, head: ScannedResponse) -> None:
        """The final head is here, and maybe the whole response; then its content is one piece."""
        self._head = head
        data = bytes(self._pending)
        self._pending.clear()
        if head.status == 101:
            self._patience = inf
            incoming = self._incoming = Incoming(self)
            incoming.put(data)
            self._resolve(head, b"", Tunnel(self._line, incoming))
            self._moved()
            return
        reader = self._reader = reader_of(head.framing)
        if reader.done:
            self._resolve(head, b"")
            self._finish(data)
            return
        content = reader.feed(data)
        if reader.done and head.framing.length is not None:
            self._resolve(head, content)
            self._finish(reader.surplus)
            return
        self._patience = self._timeouts.idle_body
        if get(head.fields, "Content-Type").lower().startswith("text/event-stream"):
            self._patience = inf  # events may be hours apart
        incoming = self._incoming = Incoming(self)
        self._resolve(head, ResponseBody(incoming, head.framing.length))
        self._moved()
        self._deliver(incoming, content)

    def _resolve(self, head: ScannedResponse, body: bytes | Body, upgraded: Tunnel | None = None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(Response(head.status, head.fields, head.reason, body, upgraded))

    def _deliver(self, incoming: Incoming, content: bytes) -> None:
        incoming.put(content)
        if self._reader.done:
            incoming.end(self._reader.trailers)
            self._finish(self._reader.surplus)

    def _finish(self, surplus: bytes) -> None:
        """The response is here to its end; its reader may still be behind.

        Only a connection on which both sides said everything and nothing more
        can serve again (RFC 9112 9.3): after an early answer the rest of the
        request would be read as the next one, and surplus bytes as its answer.
        """
        if self._over:
            return
        self._over = True
        if self._pump and not self._sent:
            self._pump.cancel()
        if self._sent and self._head and self._head.keep_alive and not surplus:
            self._line.done(_kept_for(self._head, self._timeouts.keep_alive))
        else:
            self._line.abort()

    # As the source of `Incoming`

    def hold(self) -> None:
        self._line.hold()
        self._moved()

    def release(self) -> None:
        self._line.release()
        self._moved()

    def abort(self) -> None:
        self._fail(Truncated("nobody reads the answer any more"))

    # Ending

    def eof(self) -> bool:
        """No more bytes will come; whether the line stays open the other way."""
        if self._incoming and self._head and self._head.status == 101:
            self._incoming.end()
            return True
        self.lost(None)
        return False

    def lost(self, exc: Exception | None) -> None:
        """The line has ended, by a reset if there is an `exc`."""
        if self._over:
            return
        if not self._incoming:
            lost = UpstreamError if self._pending or self._interims else Unanswered
            self._fail(lost("the server closed the connection before it answered"))
        elif exc is None and self._reader.end():
            self._incoming.end()
            self._finish(b"")
        else:
            self._fail(Truncated("the server closed the connection in the middle of its answer"))

    def expire(self) -> None:
        """Nothing moved for too long."""
        if self._incoming:
            self._fail(Truncated("the server stopped in the middle of its answer"))
            return
        # A slow server may still be taking the request from the kernel's queue: that is progress.
        outstanding = self._line.outstanding()
        if outstanding and outstanding != self._outstanding:
            self._outstanding = outstanding
            self._moved()
        else:
            self._fail(TimedOut("the server did not answer in time"))

    def settle(self, error: Exception) -> None:
        """Over, unless it is already; whoever waits for something hears why."""
        if self._over:
            return
        self._over = True
        if self._pump and not self._sent:
            self._pump.cancel()
        if self._incoming:
            self._incoming.fail(error if isinstance(error, Truncated) else Truncated(str(error)))
        elif self._answer and not self._answer.done():
            self._answer.set_exception(error)

    def _fail(self, error: Exception) -> None:
        if not self._over:
            self.settle(error)
            self._line.abort()


def _kept_for(head: ScannedResponse, ours: float) -> float:
    """How long the connection may be idle: a second less than its server says that it will wait.

    Node waits 5 s and says so.  A request that meets the end is lost, and only
    some may be sent again.
    """
    told = get(head.fields, "Keep-Alive").lower().partition("timeout=")[2].partition(",")[0].strip()
    return min(ours, max(0.0, int(told) - 1.0)) if told.isdecimal() and len(told) < 6 else ours
