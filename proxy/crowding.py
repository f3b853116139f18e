"""Crowding: servers that are asked only so much at a time, and the requests that wait for their turn there.

    pick -> Slot                         (a server has room)
         -> Crowded -> wait -> Slot      (another request is over)
                            -> 503       (too many wait already, or it took too long)

Nothing here waits itself: who does is called back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.balancing import Queue
from proxy.exchange import NoServer, OnResponse, RequestHead
from proxy.model import Server
from proxy.pages import BUSY

if TYPE_CHECKING:
    from proxy.pick import Pick
    from proxy.standing import Record, Standing


class Slot:
    """One request's place at a server; given up once, however often its owner says so."""

    def __init__(self, record: Record, freed: Callable[[], None]) -> None:
        record.busy += 1
        self._record: Record | None = record
        self._freed = freed

    def leave(self) -> None:
        record, self._record = self._record, None
        if record:
            record.busy -= 1
            self._freed()


class Crowded(NoServer):
    """All servers that may be asked have as many requests as they may have: one can wait."""

    detail = BUSY

    def __init__(self, service: str, standing: Standing, queue: Queue, queued: Callable[[], None]) -> None:
        """`queued` is called when somebody begins to wait."""
        super().__init__(f"the servers of service {service} have as many requests as they may")
        self.standing = standing
        self.queue = queue
        self.queued = queued
        self.after: tuple[OnResponse, ...] = ()
        """What the answer goes through besides what the server's own service says."""


@dataclass(eq=False, slots=True)
class Waiter:
    """A request that waits; `grant` gets it a server, `fail` says that there will be none."""

    head: RequestHead
    excluding: Collection[Server]
    after: tuple[OnResponse, ...]
    grant: Callable[[Pick], None]
    fail: Callable[[NoServer], None]
    standing: Standing

    def leave(self) -> None:
        self.standing.waiting.pop(self, None)
        if not self.standing.waiting:
            self.standing.rest()


def queue_up(
    crowded: Crowded,
    head: RequestHead,
    excluding: Collection[Server],
    grant: Callable[[Pick], None],
    fail: Callable[[NoServer], None],
) -> Waiter:
    """Wait behind the others.  `grant` or `fail` is called once, unless one leaves before.

    Raises `crowded` where too many wait already.
    """
    standing = crowded.standing
    if len(standing.waiting) >= crowded.queue.size:
        raise crowded
    waiter = Waiter(head, excluding, crowded.after, grant, fail, standing)
    standing.waiting[waiter] = None
    crowded.queued()
    return waiter
