"""Turn: one request of a client's connection and how far it has come.  Requests take turns: one at a time."""

from __future__ import annotations

from proxy.access_log import Tally
from proxy.exchange import Fields, RequestHead, Response
from proxy.head import ScannedRequest, scan_request
from proxy.pages import page
from proxy.receipt import Receipt
from proxy.table import Route


class Turn:
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
    explains: bool = False
    """Whoever asks may read why a page of our own came (`proxy.explainer`)."""

    def __init__(
        self, scanned: ScannedRequest, head: RequestHead, tally: Tally, receipt: Receipt | None = None
    ) -> None:
        self.scanned = scanned
        self.head = head
        self.tally = tally
        self.receipt = receipt
        """Its head in all forms, as long as `head` is the one in it."""

    @property
    def awaits_invitation(self) -> bool:
        """The client may be waiting for a 100 before it sends its body (RFC 9110 10.1.1)."""
        return self.scanned.expects_continue and not self.invited and not self.tally.bytes_in

    def as_written(self) -> Fields:
        """The fields just as the client wrote them, read once more where nobody has kept them."""
        careful = scan_request(self.receipt.block) if self.receipt else None
        return careful.fields if careful else self.scanned.fields

    def failed(self, bug: BaseException) -> Response:
        """The page for a fault of our own, whose traceback belongs in the log."""
        self.tally.fault, self.tally.bug = "a fault of Tidegate's own", bug
        return page(500, self.head)
