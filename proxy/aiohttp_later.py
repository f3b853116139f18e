"""aiohttp later: its lane, loaded when the first request needs it.

aiohttp is 10 MB and a third of a second.  An installation whose routes are all
plain needs it for nothing but upgraded connections.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from proxy.balancer import Balancer
from proxy.limits import Limits
from proxy.plain import obstacle
from proxy.table import RoutingTable
from proxy.upstream import Pool

if TYPE_CHECKING:
    from aiohttp.web_protocol import RequestHandler

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
    def __init__(self, pool: Pool, balancer: Balancer, limits: Limits) -> None:
        if not COMPILED:
            raise SlowParser  # at start, not with the first upload
        self._needs = pool, balancer, limits
        self._lane: AiohttpLane | None = None
        self._loading = False

    def prepare(self, table: RoutingTable) -> None:
        """Load it aside where the table has a route that will ask for it: the loop goes on meanwhile."""
        routes = (route for on_it in table.routes.values() for route in on_it)
        if not self._loading and any(obstacle(route) for route in routes):
            self.load_aside()

    def load_aside(self) -> None:
        self._loading = True
        Thread(target=_load, name="aiohttp", daemon=True).start()

    def new_protocol(self) -> RequestHandler:
        if self._lane is None:
            self._lane = _load()(*self._needs)
        return self._lane.new_protocol()

    async def close(self) -> None:
        if self._lane:
            await self._lane.close()


def _load() -> type[AiohttpLane]:
    from proxy.server import AiohttpLane

    return AiohttpLane
