"""UpstreamExchange: one request to a server and its response, as far as both lanes do the same.

    request out (head, then content as it comes) ----------------------> sent
    interim responses -> final head -> content as it comes -> its end -> over
                                    -> tunnel (101), until it is closed

Both lines run at the same time: a server may answer while it still reads.  What
comes is handed to a lane in a few calls, and whatever goes wrong in one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final

from proxy.exchange import OnResponse, ResponseHead, TimedOut, Truncated, UpstreamError, get
from proxy.fields import MessageError
from proxy.framing import BodyReader, CloseReader, reader_of
from proxy.head import ScannedResponse, scan_response
from proxy.socket_transport import LARGE_READ

if TYPE_CHECKING:
    from proxy.route import Route
    from proxy.upstream_connection import UpstreamConnection

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


class AnswerMemo:
    """The last answer of a connection: its head as it came and as clients get it.

    Apps say the same head again and again, within a second even with its date.
    `size` is with its content; `steps` are what it has gone through.
    """

    def __init__(
        self,
        block: bytes,
        size: int,
        method: str,
        status: int,
        written: bytes,
        keep_for: float,
        route: Route,
        steps: tuple[OnResponse, ...],
    ) -> None:
        self.block = block
        self.size = size
        self.method = method
        self.status = status
        self.written = written
        self.keep_for = keep_for
        self.route = route
        self.steps = steps


class UpstreamExchange:
    largest_read: int = LARGE_READ
    """Octets of an answer taken at a time where many are there."""
    # What most exchanges never change is written once, here.
    _line: UpstreamConnection
    _sent: bool = False
    _over: bool = False
    _outstanding: int = 0
    _pending: bytes | bytearray = b""
    _seen: int = 0
    _interims: int = 0
    _head: ScannedResponse | None = None
    """Of the final response, once it is here."""
    _reader: BodyReader

    def __init__(
        self,
        method: str,
        http10: bool,
        upgrade: str,
        timeouts: Timeouts,
    ) -> None:
        self._method = method
        self._http10 = http10
        self._upgrade = upgrade
        self._timeouts = timeouts
        self._patience = timeouts.first_byte

    # What a lane does with it

    def _interim(self, head: ResponseHead) -> None:
        raise NotImplementedError

    def _whole(self, head: ScannedResponse, content: bytes) -> None:
        """The whole response came at once."""
        raise NotImplementedError

    def _opened(self, head: ScannedResponse, content: bytes, ended: bool) -> None:
        """The head is here and maybe some content, and that this ends it."""
        raise NotImplementedError

    def _more(self, content: bytes, ended: bool) -> None:
        raise NotImplementedError

    def _switched(self, head: ScannedResponse, early: bytes) -> None:
        """From here on `_more` gets the bytes of a tunnel."""
        raise NotImplementedError

    def _broken(self, error: Exception) -> None:
        """Nothing more comes; `error` says why."""
        raise NotImplementedError

    def _unwanted(self) -> None:
        """The response is over; what of the request is not sent yet is not sent any more."""

    def paused(self) -> None:
        """The server is slow: enough waits for it."""

    def resumed(self) -> None:
        """The server has room again."""

    # The clock

    def _await_client(self) -> None:
        """Of a server nothing is expected while its client is slow, whose own limit is the entrypoint's."""
        if self._head is None and not self._over:
            self._line.deadline = inf

    def _moved(self) -> None:
        """Something moved, so the server has its time from here.

        Bytes of the response head do not count, nor interim responses, or a
        drip of them would last for ever; and nothing is expected of a server
        whose client is slow.
        """
        if not self._over:
            self._line.deadline = inf if self._line.held else monotonic() + self._patience

    # The response

    def received(self, data: bytes) -> None:
        try:
            if self._head is not None:
                self._moved()
                self._deliver(self._reader.feed(data))
            else:
                if self._pending:
                    self._pending += data
                else:
                    self._pending = data
                self._read_head()
        except MessageError as bad:
            self._fail(UpstreamError(f"the server's answer is malformed: {bad.reason}"))
        except Exception as error:
            self._fail(error)

    def _read_head(self) -> None:
        while head := scan_response(self._pending, self._method, self._upgrade, seen=self._seen):
            block, data = self._pending[: head.size], bytes(self._pending[head.size :])
            self._pending, self._seen = data, 0
            if head.status >= 200 or head.status == 101:
                self._pending = b""
                self._learn(bytes(block), head)
                self._begin(head, data)
                return
            self._inform(head)
        self._seen = len(self._pending)
        if self._pending and not isinstance(self._pending, bytearray):
            self._pending = bytearray(self._pending)  # it grows: single octets shall cost what they cost

    def _inform(self, head: ScannedResponse) -> None:
        """Pass an interim response on (RFC 9110 15.2), though not to HTTP/1.0, which knows none."""
        self._interims += 1
        if self._interims > MOST_INTERIM:
            raise UpstreamError("the server sends interim responses without end")
        if not self._http10:
            self._interim(ResponseHead(head.status, head.fields, head.reason))

    def _learn(self, block: bytes, head: ScannedResponse) -> None:
        """These bytes are this head."""

    def _begin(self, head: ScannedResponse, data: bytes) -> None:
        """The final head is here, and maybe the whole response; then its content is one piece."""
        self._head = head
        if head.status == 101:
            self._patience = inf
            self._reader = CloseReader()
            self._switched(head, data)
            self._moved()
            return
        reader = self._reader = reader_of(head.framing)
        content = b"" if reader.done else reader.feed(data)
        if reader.done and head.framing.length is not None:
            self._whole(head, content)
            self._finish(reader.surplus if head.framing.length else data)
            return
        self._patience = self._timeouts.idle_body
        if get(head.fields, "Content-Type").lower().startswith("text/event-stream"):
            self._patience = inf  # events may be hours apart
        self._moved()
        self._opened(head, content, reader.done)
        if reader.done:
            self._finish(reader.surplus)

    def _deliver(self, content: bytes) -> None:
        ended = self._reader.done
        if content or ended:
            self._more(content, ended)
        if ended:
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
        self._unwanted()
        if self._sent and self._head and self._head.keep_alive and not surplus:
            self._line.done(kept_for(self._head, self._timeouts.keep_alive))
        else:
            self._line.abort()

    # The speed of whoever reads the response

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
        if self._head and self._head.status == 101:
            self._more(b"", ended=True)
            return True
        self.lost(None)
        return False

    def lost(self, exc: Exception | None) -> None:
        """The line has ended, by a reset if there is an `exc`."""
        if self._over:
            return
        if not self._head:
            lost = UpstreamError if self._pending or self._interims else Unanswered
            self._fail(lost("the server closed the connection before it answered"))
        elif exc is None and self._reader.end():
            self._more(b"", ended=True)
            self._finish(b"")
        else:
            self._fail(Truncated("the server closed the connection in the middle of its answer"))

    def expire(self) -> None:
        """Nothing moved for too long."""
        if self._head:
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
        self._unwanted()
        self._broken(error)

    def _fail(self, error: Exception) -> None:
        if not self._over:
            line = self._line  # to be asked again, a lane takes another one
            self.settle(error)
            line.abort()


def kept_for(head: ScannedResponse, ours: float) -> float:
    """How long the connection may be idle: a second less than its server says that it will wait.

    Node waits 5 s and says so.  A request that meets the end is lost, and only
    some may be sent again.
    """
    told = get(head.fields, "Keep-Alive").lower().partition("timeout=")[2].partition(",")[0].strip()
    return min(ours, max(0.0, int(told) - 1.0)) if told.isdecimal() and len(told) < 6 else ours
