"""Queueing: a server for a request of the aiohttp lane, which may have to wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from proxy.balancer import Balancer
from proxy.crowding import Crowded, queue_up
from proxy.exchange import NoServer, RequestHead
from proxy.model import Server, Service
from proxy.pick import Pick


class Patience:
    """How long one request still waits, however often it has to; it begins with the first time."""

    _until: float | None = None

    def left(self, allowed: float, now: float) -> float:
        """Seconds."""
        if self._until is None:
            self._until = now + allowed
        return max(self._until - now, 0.0)


def call_later(seconds: float, then: Callable[[], None]) -> Callable[[], object]:
    """For a Balancer: calls back in this loop; what is returned prevents that."""
    return asyncio.get_running_loop().call_later(seconds, then).cancel


async def pick_or_wait(
    balancer: Balancer, service: Service, head: RequestHead, tried: Collection[Server], patience: Patience
) -> Pick:
    """The server for this request.  Raises NoServer where there is none, or none in time."""
    try:
        return balancer.pick(service, head, tried)
    except Crowded as full:
        crowded = full
    loop = asyncio.get_running_loop()
    granted: asyncio.Future[Pick] = loop.create_future()

    def grant(pick: Pick) -> None:
        granted.set_result(pick)

    def fail(error: NoServer) -> None:
        granted.set_exception(error)

    waiter = queue_up(crowded, head, tried, grant, fail)
    try:
        async with asyncio.timeout(patience.left(crowded.queue.timeout, loop.time())):
            return await asyncio.shield(granted)
    except BaseException as ended:
        waiter.leave()
        if granted.done() and not granted.cancelled() and not granted.exception():
            granted.result().leave()  # it came at the moment in which nobody waited any more
        granted.cancel()
        if isinstance(ended, TimeoutError):
            raise crowded from None
        raise
