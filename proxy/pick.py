"""Pick: the server that was chosen for one request, and what follows from the choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proxy.balancing import Balanced
from proxy.crowding import Slot
from proxy.exchange import NoServer, OnResponse, RequestHead, ResponseHead, UpstreamError
from proxy.model import Server, Service
from proxy.standing import Record


class Watch:
    """Sees how the request ends: in time, with a failure, or not at all."""

    def __init__(
        self, record: Record, how: Balanced, now: Callable[[], float], judged: Callable[[bool], None]
    ) -> None:
        self._record = record
        self._how = how
        self._now = now
        self._judged = judged
        self._began = now()

    def on_response(self, response: ResponseHead, request: RequestHead) -> ResponseHead:
        self._record.answered(max(self._now() - self._began, 1e-6))
        if response.status >= 500:
            self._failed()
        elif self._record.told and self._record.out_until <= self._began:
            self._record.told = False
            self._judged(True)
        return response

    def failed(self, error: Exception) -> None:
        """Nothing was answered."""
        if isinstance(error, UpstreamError) and not isinstance(error, NoServer):
            self._record.answered(max(self._now() - self._began, 1e-6))
            self._failed()

    def _failed(self) -> None:
        passive = self._how.passive_health_check
        if passive and self._record.failed(passive, self._now()):
            self._record.told = True
            self._judged(False)


@dataclass(init=False)
class Pick:
    """`service` is the one that the server belongs to; `steps` are what its answer goes through first."""

    service: Service
    server: Server
    steps: tuple[OnResponse, ...]
    watch: Watch | None
    slot: Slot | None
    """Its place at the server, where those are numbered; to be left when the request is over."""

    def __init__(
        self,
        service: Service,
        server: Server,
        steps: tuple[OnResponse, ...] = (),
        watch: Watch | None = None,
        slot: Slot | None = None,
    ) -> None:
        self.service = service
        self.server = server
        self.steps = steps
        self.watch = watch
        self.slot = slot

    def leave(self) -> None:
        if self.slot:
            self.slot.leave()
