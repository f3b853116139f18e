"""Particular: the passage of the fast lane to servers that are limited or have paths.

choose -> slot -> ask -> the answer is over -> leave the slot
   \\-> queue -----^
"""

from __future__ import annotations

import asyncio

from proxy.crowding import Crowded, Slot, Waiter, queue_up
from proxy.exchange import NoServer, UpstreamError
from proxy.headers import target_at
from proxy.lane import Passage
from proxy.model import Server, Service
from proxy.pick import Pick
from proxy.queueing import Patience
from proxy.upstream_exchange import AnswerMemo


class ParticularPassage(Passage):
    _slot: Slot | None = None
    _waiter: Waiter | None = None
    _timer: asyncio.TimerHandle | None = None
    _granted: Pick | None = None
    """The server that the queue has led to."""
    _patience_in_queue: Patience | None = None

    # Which server

    def set_out(self) -> None:
        try:
            self._ask_next(self._route.service)
        except Crowded as crowded:
            self._queue_up(crowded)
        except UpstreamError as error:
            self._give_up(error)
        except Exception as bug:
            self._give_up(bug)

    def _pick(self, service: Service) -> Server:
        self._leave_slot()
        pick, self._granted = self._granted, None
        if pick is None:
            pick = self._lane.balancer.pick(service, self._turn.head, self._tried)
        self._slot = pick.slot
        self._choose(pick)
        return pick.server

    def _queue_up(self, crowded: Crowded) -> None:
        loop = asyncio.get_running_loop()
        if self._patience_in_queue is None:
            self._patience_in_queue = Patience()
        left = self._patience_in_queue.left(crowded.queue.timeout, loop.time())
        try:
            self._waiter = queue_up(crowded, self._turn.head, self._tried, self._grant, self._turn_away)
        except Crowded as full:
            self._give_up(full)
            return
        self._timer = loop.call_later(left, self._tire, crowded)

    def _grant(self, pick: Pick) -> None:
        # Later: the connection that has just become free is to be used again.
        self._leave_queue()
        self._granted = pick
        asyncio.get_running_loop().call_soon(self._set_out_again)

    def _turn_away(self, error: NoServer) -> None:
        self._leave_queue()
        asyncio.get_running_loop().call_soon(self._give_up_waiting, error)

    def _tire(self, crowded: Crowded) -> None:
        self._leave_queue()
        self._give_up(crowded)

    def _give_up_waiting(self, error: NoServer) -> None:
        if not self._left:
            self._give_up(error)

    def _leave_queue(self) -> None:
        waiter, self._waiter = self._waiter, None
        timer, self._timer = self._timer, None
        if waiter:
            waiter.leave()
        if timer:
            timer.cancel()

    # A path of the server's

    def _written(self, server: Server) -> bytes:
        service = self._service or self._route.service
        if not server.path or service is None:
            return super()._written(server)
        return self._composed(target_at(server, self._turn.head.target), service, server)

    # The end of the request, whichever it is

    def _leave_slot(self) -> None:
        slot, self._slot = self._slot, None
        if slot:
            slot.leave()

    def _finish(self, surplus: bytes) -> None:
        super()._finish(surplus)
        self._leave_slot()

    def _repeat(self, memo: AnswerMemo, data: bytes) -> None:
        super()._repeat(memo, data)
        self._leave_slot()

    def _give_up(self, error: Exception) -> None:
        self._leave_slot()
        super()._give_up(error)

    def _cut(self, error: Exception) -> None:
        super()._cut(error)
        self._leave_slot()

    def _let_go(self) -> None:
        super()._let_go()
        self._leave_slot()

    def abandon(self) -> None:
        self._leave_queue()
        granted, self._granted = self._granted, None
        if granted:
            granted.leave()
        super().abandon()
