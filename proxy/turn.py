"""Turn: one request of a client's connection and how far it has come.  Requests take turns: one at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.access_log import Tally
from proxy.exchange import Fields, RequestHead, Response, Truncated
from proxy.head import ScannedRequest
from proxy.ordinary import Receipt
from proxy.pages import page
from proxy.table import Route

if TYPE_CHECKING:
    from aiohttp import StreamReader


@dataclass(slots=True, eq=False)
class Turn:
    scanned: ScannedRequest
    head: RequestHead
    tally: Tally
    route: Route | None = None
    response: Response | None = None
    """An answer of our own that has to be streamed; nobody else is asked."""
    trailers: Fields = ()
    received: bool = False
    """The whole request is here."""
    invited: bool = False
    """An interim 100 told the client to send its body."""
    started: bool = False
    """The head of the final answer is out; there is no other answer any more."""
    ends_by_closing: bool = False
    """The answer's end is told by the end of the connection alone."""
    answered: bool = False
    answered_at: float = 0.0
    receipt: Receipt | None = None
    """Its head in all forms, as long as `head` is the one in it."""

    @property
    def awaits_invitation(self) -> bool:
        """The client may be waiting for a 100 before it sends its body (RFC 9110 10.1.1)."""
        return self.scanned.expects_continue and not self.invited and not self.tally.bytes_in

    def failed(self, bug: BaseException) -> Response:
        """The page for a fault of our own, whose traceback belongs in the log."""
        self.tally.fault, self.tally.bug = "a fault of Tidegate's own", bug
        return page(500, self.head)


class ClientBody:
    """The request's content as the gate has checked it and aiohttp has buffered it."""

    def __init__(self, content: StreamReader, turn: Turn, length: int | None) -> None:
        self._content = content
        self._turn = turn
        self.length = length

    @property
    def trailers(self) -> Fields:
        return self._turn.trailers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while piece := await self._content.readany():
                yield piece
        except (ConnectionError, RuntimeError) as error:
            # aiohttp says RuntimeError for a reader whose connection is gone.
            raise Truncated("the client went before the end of its request") from error
