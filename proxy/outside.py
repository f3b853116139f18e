"""Outside: the surroundings of middlewares as they really are: the loop's clock, threads, servers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from proxy.balancer import Balancer
from proxy.exchange import NeverSent, Request, Response
from proxy.headers import from_server, to_server
from proxy.model import Server, Service
from proxy.origin import ClientTLS, Origin
from proxy.queueing import Patience, pick_or_wait
from proxy.repeating import may_ask_another
from proxy.shunned import Shunned
from proxy.surroundings import Unusable
from proxy.upstream import Pool, Timeouts
from proxy.upstream_wire import connected

T = TypeVar("T")
THREADS = 2
MOST_WAITING = 128
"""Works that wait for a thread; whoever floods us with wrong passwords gets 503 and not all our memory."""


class Busy(Unusable):
    """Too much waits already."""


class Outside:
    """`services` are those of the table that is served; what asks one names it."""

    def __init__(self, pool: Pool, balancer: Balancer) -> None:
        self.services: Mapping[str, Service] = {}
        self._pool = pool
        self._balancer = balancer
        self._origins: dict[tuple[ClientTLS, float, Shunned | None], Pool] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="aside")
        self._waiting = 0

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def aside(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise Busy("too much waits for a thread")
        self._waiting += 1
        # What is under way cannot be stopped: it counts until it has ended, whoever has left meanwhile.
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._ended)
        return await asyncio.shield(future)

    def _ended(self, future: asyncio.Future[T]) -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # whoever waited may be gone: it is nobody's surprise

    async def fetch(self, origin: Origin, request: Request) -> Response:
        server = Server("outside", origin.host, origin.port, origin.scheme)
        pool = await self._pool_of(origin)
        response = await pool.ask(server, request.head.fields, request)
        return replace(response, fields=from_server(response.fields))

    async def _pool_of(self, origin: Origin) -> Pool:
        """Connections to servers of their own kind of trust: none is used for another one's sake."""
        key = origin.tls, origin.patience, origin.shunned
        if key not in self._origins:
            context = None
            if origin.scheme == "https" and origin.tls != ClientTLS():
                context = await self.aside(lambda: _context(origin.tls))
            pool = self._origins.setdefault(key, Pool(Timeouts(first_byte=origin.patience), context))
            pool.connected = partial(connected, shunned=origin.shunned)
        return self._origins[key]

    def is_up(self, service: str) -> bool:
        known = self.services.get(service)
        return known is not None and self._balancer.has_server(known)

    async def ask(self, service: str, request: Request) -> Response:
        known = self.services.get(service) or Service(service)
        tried: list[Server] = []
        patience = Patience()
        while True:
            pick = await pick_or_wait(self._balancer, known, request.head, tried, patience)
            server = pick.server
            try:
                fields = to_server(request.head, pick.service, server)
                response = await self._pool.ask(server, fields, request, slot=pick.slot)
                return replace(response, fields=from_server(response.fields))
            except NeverSent as error:
                pick.leave()
                tried.append(server)
                if not may_ask_another(known.servers, tried, error, repeatable=False):
                    raise
            except BaseException:
                pick.leave()
                raise

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for pool in self._origins.values():
            await pool.close()


def _context(tls: ClientTLS) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca or None)
        if tls.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if tls.cert:
            context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ValueError) as error:
        raise Unusable("a certificate file of its tls options cannot be read") from error
    return context
