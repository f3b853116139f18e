"""Scene: what the running instance knows at the moment of a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from discovery.container import Container, Listed
from discovery.language import USUAL, Language
from discovery.networks import Own
from discovery.route_file import PROVIDER
from proxy.frozen import frozen
from proxy.headers import TrustedProxies
from proxy.model import RoutingConfig, Server
from proxy.problem import Problem
from proxy.table import Entrypoint, RoutingTable
from tidegate.rows import RouteRow
from tidegate.why.answer import CertificateSeen
from tidegate.why.concern import concern_of


class Asked(Protocol):
    """An engine that can be asked about containers; calls raise EngineError where it does not answer."""

    async def list_containers(self) -> tuple[Listed, ...]: ...
    async def own(self, listed: Mapping[str, Listed]) -> Own: ...
    async def list_all(self) -> tuple[Listed, ...]: ...
    async def inspect(self, container: str) -> Container | None: ...


@frozen
class Scene:
    config: RoutingConfig
    table: RoutingTable
    entrypoints: Sequence[Entrypoint]
    trusted: TrustedProxies
    fast_lane: bool
    challenge: Callable[[str], bytes | None]
    certificate: Callable[[str], CertificateSeen | None]
    server_state: Callable[[Server], str]
    rows: tuple[RouteRow, ...]
    problems: tuple[Problem, ...]
    engine: Asked | None = None
    language: Language = USUAL

    def without_server(self, router: str) -> str:
        """Why the router's service has no server."""
        return next((row.reason for row in self.rows if row.router == router), "")

    def knows(self, host: str) -> bool:
        """Whether a router names the host."""
        on_all = (route for on_it in self.table.routes.values() for route in on_it)
        return any(host in route.rule.hosts for route in on_all)

    def problems_of(self, origin: str, router: str = "") -> tuple[Problem, ...]:
        """Those that somebody finds who looks for the container or the router."""
        plain, _, provider = router.partition("@")
        concern = concern_of(router, self.config) if provider == PROVIDER else None
        return tuple(
            each
            for each in self.problems
            if (origin and each.where.partition(":")[0] == origin and (not concern or concern.covers(each)))
            or (plain and f'Router "{plain}"' in each.consequence)
        )
