"""aiohttp later: its lane, loaded when the first request needs it.

aiohttp is 10 MB and a third of a second.  An installation whose routes are all
plain needs it for nothing but upgraded connections.
"""

from __future__ import annotations

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, cast

from proxy.balancer import Balancer
from proxy.limits import Limits
from proxy.plain import obstacle
from proxy.table import RoutingTable
from proxy.upstream import Pool

if TYPE_CHECKING:
    from proxy.explainer import Explainer
    from proxy.server import AiohttpLane


class SlowParser(RuntimeError):
    """Eleven more malformed shapes pass aiohttp's pure-Python parser than its C one (measured)."""

    def __init__(self) -> None:
        super().__init__(
            "aiohttp runs on its pure-Python parser here, which lets malformed requests pass. "
            "Unset AIOHTTP_NO_EXTENSIONS, or install an aiohttp wheel with compiled extensions."
        )


def has_compiled_parser() -> bool:
    """As far as can be seen without loading it."""
    spec = find_spec("aiohttp")
    folders = spec.submodule_search_locations if spec else None
    there = any(any(Path(folder).glob("_http_parser.*.so")) for folder in folders or ())
    return there and not os.environ.get("AIOHTTP_NO_EXTENSIONS")


COMPILED = has_compiled_parser()  # here, because looking at files blocks


class AiohttpLater:
    def __init__(
        self, pool: Pool, balancer: Balancer, limits: Limits, explainer: Explainer | None = None
    ) -> None:
        if not COMPILED:
            raise SlowParser  # at start, not with the first upload
        self._needs = pool, balancer, limits, explainer
        self._lane: AiohttpLane | None = None
        self._asked = False
        self._waiting: list[Waiting] = []

    def prepare(self, table: RoutingTable) -> None:
        """Load it aside where the table has a route that will ask for it."""
        if self._asked or table.all_plain:
            return
        if any(obstacle(route) for on_it in table.routes.values() for route in on_it):
            self.load_aside()

    def load_aside(self) -> None:
        self._asked = True
        Thread(target=_load, name="aiohttp", daemon=True).start()

    def new_protocol(self) -> asyncio.Protocol:
        if self._lane:
            return self._lane.new_protocol()
        waiting = Waiting()
        self._waiting.append(waiting)
        if len(self._waiting) == 1:  # in a thread, for it blocks, and waits for one that loads it already
            asyncio.get_running_loop().run_in_executor(None, _load).add_done_callback(self._loaded)
        return waiting

    def _loaded(self, loading: asyncio.Future[type[AiohttpLane]]) -> None:
        waiting, self._waiting = self._waiting, []
        if loading.cancelled() or loading.exception():
            for each in waiting:
                each.give_up()
            loading.result()  # the log says why
        self._lane = loading.result()(*self._needs)
        for each in waiting:
            each.go_on(self._lane.new_protocol())

    async def close(self) -> None:
        if self._lane:
            await self._lane.close()


def _load() -> type[AiohttpLane]:
    from proxy.server import AiohttpLane

    return AiohttpLane


class Waiting(asyncio.Protocol):
    """Stands in for aiohttp's protocol while that is being loaded; meanwhile the client has to wait."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received: list[bytes] = []
        self._real: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        if self._real:
            self._real.data_received(data)
        else:
            self._received.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._real:
            self._real.connection_lost(error)

    def go_on(self, real: asyncio.Protocol) -> None:
        if self._transport is None:
            return
        self._real = real
        real.connection_made(self._transport)
        self._transport.resume_reading()
        received, self._received = self._received, []
        for data in received:
            real.data_received(data)

    def give_up(self) -> None:
        if self._transport:
            self._transport.close()
