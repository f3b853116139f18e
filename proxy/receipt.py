"""Receipt: a request's head in all the forms that it has had, for the next time that it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.head import ScannedRequest
from proxy.message import RequestHead
from proxy.table import Route, RoutingTable

if TYPE_CHECKING:
    from proxy.upstream_exchange import AnswerMemo


@dataclass(eq=False)
class Course:
    """The route for a head whose way depends on nothing but the table; good for this very table alone."""

    table: RoutingTable
    route: Route


class Receipt:
    """A request's head: as bytes, as scanned, as routing sees it, and as a server gets it."""

    written: bytes | None
    """For a server."""
    written_for: RequestHead
    """The head that `written` says; a middleware may have changed it."""
    course: Course | None = None
    """Where it went the last time."""
    served: RequestHead
    """As the middlewares of that route have left it."""
    answer: AnswerMemo | None = None
    """What the client got for it, where the answer's head depends on more than the server's."""

    def __init__(
        self,
        block: bytes,
        scanned: ScannedRequest,
        head: RequestHead,
        client: str,
        path: str,
        written: bytes | None = None,
    ) -> None:
        self.block = block
        self.scanned = scanned
        self.head = head
        self.client = client
        self.path = path
        self.written = written
        self.written_for = self.served = head
