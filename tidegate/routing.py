"""Routing: what files and containers ask for together becomes the table that is served."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from discovery.allowed_hosts import AllowedHosts
from discovery.merge import combine
from proxy.frozen import frozen
from proxy.model import RoutingConfig
from proxy.table import Entrypoint
from tidegate.addresses import Address, NamedAddress
from tidegate.defaults import certified, declared, entrypoint_of
from tidegate.maintenance import Closed, Switch, with_closed
from tidegate.rebuilding import Rebuilding
from tidegate.route_changes import Line, compare_routes, lines
from tidegate.route_rows import plain_route_rows
from tidegate.rows import EntrypointRow, RouteRow
from tidegate.serving import Prepared, Serving
from tidegate.settings import Settings

log = structlog.get_logger("tidegate")


@frozen
class Asked:
    """What a routing is made of."""

    from_files: RoutingConfig
    from_containers: RoutingConfig
    closed: Mapping[str, Closed]


@frozen
class Routes:
    """A routing that is ready to be served, and what is to be said of it."""

    prepared: Prepared
    rows: tuple[RouteRow, ...]
    lines: tuple[Line, ...]


class Routing:
    """The only place where a table is ordered and published; its hosts are those that want certificates."""

    def __init__(
        self,
        settings: Settings,
        serving: Serving,
        want: Callable[[Collection[str], Mapping[str, str]], None],
        served: Callable[[], None],
    ) -> None:
        """`want` is told which hosts want a certificate, when these are others; `served`, when another
        table is."""
        self._settings = settings
        self._serving = serving
        self._want = want
        self._served = served
        self.listeners: Sequence[Entrypoint] = ()
        self.config = self._from_files = self._from_containers = RoutingConfig()
        self.maintenance = Switch(
            settings.data_directory, self.hosts_named, self.serve_closed, self.declared_closed
        )
        self._from_settings = declared(settings.default_headers)
        self._allowed_hosts = AllowedHosts.parse(settings.allow_hosts)
        self._rows: tuple[RouteRow, ...] = ()
        self._hosts: tuple[Collection[str], Mapping[str, str]] | None = None
        """Those that want a certificate, and the resolvers that were named for some of them."""
        self.rebuilding = Rebuilding(self._make, self._publish, pieces_of)

    def listen(self) -> None:
        """The listeners are open, and their addresses known."""
        self.listeners = tuple(map(self._as_routing_sees_it, self._settings.entrypoints))

    def take_containers(self, config: RoutingConfig) -> None:
        self._from_containers = config
        self._ask()

    def take_files(self, config: RoutingConfig) -> None:
        self._from_files = config
        self._ask()

    def drop_owner(self, owner: str) -> None:
        """A container is gone; also from a table that is being made with it."""
        self._serving.drop_owner(owner)
        self.rebuilding.drop_owner(owner)

    def _ask(self) -> None:
        self.rebuilding.ask(Asked(self._from_files, self._from_containers, self.maintenance.closed))

    def _make(self, asked: Asked) -> Routes:
        """In a thread.  Files first: who may write them owns the machine."""
        together = combine(
            asked.from_files, asked.from_containers, self._from_settings, allowed=self._allowed_hosts
        )
        config = with_closed(certified(together, self._settings.default_tls), asked.closed)
        prepared = self._serving.prepare(config, self.listeners)
        rows = plain_route_rows(config, prepared.table.routes, self.entrypoint_rows())
        told = lines(compare_routes(self._rows, rows))
        heard = "debug" if self._settings.log_level == "debug" else "info"
        return Routes(prepared, rows, tuple(line for line in told if line.level in (heard, "info")))

    def _publish(self, routes: Routes, gone: Collection[str]) -> None:
        """Serve them, but none of the containers that have gone while they were made."""
        self.config = routes.prepared.config
        self._serving.serve(routes.prepared)
        for owner in gone:
            self._serving.drop_owner(owner)
        self._tell(routes)
        table = self._serving.table
        if (hosts := (table.hosts(), table.resolvers)) != self._hosts:
            self._hosts = hosts
            wildcards = (f"*.{domain}" for domain in self._settings.acme_wildcards)
            self._want((*table.hosts(), *wildcards), table.resolvers)
        self._served()

    def _tell(self, routes: Routes) -> None:
        """Say which routes have opened and closed."""
        for line in routes.lines:
            tell = log.info if line.level == "info" else log.debug
            if change := line.change:
                facts = {"router": change.router, "urls": change.urls, "servers": change.servers}
                tell(f"route {change.event}", said=line.words, **facts)
            else:
                tell(line.words)
        self._rows = routes.rows

    async def serve_closed(self) -> None:
        """A command has closed or opened a site; done when it is served so (by workers a moment later)."""
        self._ask()
        await self.rebuilding.settled()

    def _as_routing_sees_it(self, entry: NamedAddress) -> Entrypoint:
        return entrypoint_of(entry, self._settings, self._serving.addresses[entry.name][0][1])

    def hosts_named(self) -> set[str]:
        rules = (route.rule for on_it in self._serving.table.routes.values() for route in on_it)
        return {host for rule in rules for host in rule.hosts}

    def declared_closed(self, host: str) -> bool:
        """Whether a middleware that was declared closes the host, on some of its routes at least."""
        from proxy.middlewares.maintenance import Maintenance

        closing = {name for name, each in self.config.middlewares.items() if isinstance(each, Maintenance)}
        every = (route for on_it in self._serving.table.routes.values() for route in on_it)
        return any(host in route.rule.hosts and closing & {*route.passes} for route in every)

    def addresses(self, name: str) -> list[str]:
        return [str(Address(host, port)) for host, port in self._serving.addresses[name]]

    def entrypoint_rows(self) -> list[EntrypointRow]:
        return [
            EntrypointRow(each.name, ", ".join(self.addresses(each.name)), each.port or 0, each.tls)
            for each in self.listeners
        ]


def pieces_of(routes: Routes) -> list[object]:
    return [*routes.prepared.pieces(), *routes.rows]
