"""Route rows: what is served where, by which servers, and why not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from proxy.composite import Composites
from proxy.problem import Problem
from tidegate.rows import CertificateRow, EntrypointRow, RouteRow, ServerRow, ServiceRow
from tidegate.rule_words import beside_hosts

if TYPE_CHECKING:
    from proxy.model import Router, RoutingConfig, Server, Service

DEFAULT_PORTS = {"http": 80, "https": 443}
NO_SERVER = "no server"
NO_ANSWER = "no answer"
MAINTENANCE = "maintenance"
NOWHERE = "It is on no entrypoint; the problems say why."


class RuleLike(Protocol):
    """A compiled rule: `hosts` are the names that it takes requests for."""

    @property
    def hosts(self) -> Collection[str]: ...


class RouteLike(Protocol):
    """`proxy.table.Route`."""

    @property
    def router(self) -> Router: ...
    @property
    def rule(self) -> RuleLike: ...
    @property
    def action(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def passes(self) -> tuple[str, ...]: ...


def always_up(_server: Server) -> str:
    return "up"


def service_rows(config: RoutingConfig, server_state: Callable[[Server], str]) -> dict[str, ServiceRow]:
    users: dict[str, list[str]] = {}
    for router in config.routers.values():
        users.setdefault(router.service, []).append(router.name)
    services = {**config.services, **Composites(config.services, config.transports).all()}
    return {
        name: ServiceRow(name, server_rows(service, server_state), tuple(sorted(users.get(name, ()))))
        for name, service in sorted(services.items())
    }


def server_rows(service: Service, server_state: Callable[[Server], str]) -> tuple[ServerRow, ...]:
    return tuple(ServerRow(server.url, server.owner, server_state(server)) for server in service.servers)


def plain_route_rows(
    config: RoutingConfig, routes: Mapping[str, Sequence[RouteLike]], entrypoints: Sequence[EntrypointRow]
) -> tuple[RouteRow, ...]:
    """The rows as they follow from the table alone."""
    services = service_rows(config, always_up)
    return route_rows(config, routes, {each.name: each for each in entrypoints}, services, {})


def route_rows(
    config: RoutingConfig,
    routes: Mapping[str, Sequence[RouteLike]],
    entrypoints: Mapping[str, EntrypointRow],
    services: Mapping[str, ServiceRow],
    certificates: Mapping[str, CertificateRow],
) -> tuple[RouteRow, ...]:
    """One row a router, those that the table left out included; by host, then path."""
    placed: dict[str, list[tuple[str, RouteLike]]] = {name: [] for name in sorted(config.routers)}
    for entrypoint, on_it in routes.items():
        for route in on_it:
            placed.setdefault(route.router.name, []).append((entrypoint, route))
    closing = what_closes(config)
    rows = (
        route_row(
            places[0][1].router if places else config.routers[name],
            places,
            entrypoints,
            services,
            certificates,
            closing,
        )
        for name, places in placed.items()
    )
    return tuple(sorted(rows, key=by_address))


def what_closes(config: RoutingConfig) -> Mapping[str, str]:
    """The middlewares that close a site, each with how that was said."""
    from proxy.middlewares.maintenance import Maintenance

    by_command = {name: f"`tidegate maintenance {host} on`" for host, name in config.closed.items()}
    named = (name for name, each in config.middlewares.items() if isinstance(each, Maintenance))
    return {name: f'middleware "{name}"' for name in named} | by_command


def by_address(row: RouteRow) -> tuple[bool, str, str]:
    """Host before path, whatever the scheme; rules without a host come last."""
    address = next(iter((*row.urls, *row.redirects)), "").partition("://")[2]
    return not address, address or row.rule, row.router


def said_why(row: RouteRow, problems: Sequence[Problem]) -> RouteRow:
    """The row with a reason for its having no server, or none that answers."""
    if row.action == "serve" and row.servers and all(each.state != "up" for each in row.servers):
        states = dict.fromkeys(each.state for each in row.servers)
        return replace(row, action=NO_ANSWER, reason=f"Its app does not answer: {', '.join(states)}.")
    if row.action != NO_SERVER:
        return row
    service, _, origin = row.service.rpartition("@")
    mistaken = any(f'Service "{service}" ' in problem.consequence for problem in problems)
    if mistaken or origin != "docker":
        return replace(row, reason="The problems say why." if mistaken else "Its service has none.")
    return replace(row, reason="Waiting for a healthy container.")


def route_row(
    router: Router,
    places: Sequence[tuple[str, RouteLike]],
    entrypoints: Mapping[str, EntrypointRow],
    services: Mapping[str, ServiceRow],
    certificates: Mapping[str, CertificateRow],
    closing: Mapping[str, str],
) -> RouteRow:
    hosts = sorted({host for _, route in places for host in route.rule.hosts})
    path, more = beside_hosts(router.rule)
    urls: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for name, route in places:
        if entrypoint := entrypoints.get(name):
            urls[route.action == "redirect"] |= dict.fromkeys(url(host, entrypoint) + path for host in hosts)
    actions = {route.action for _, route in places}
    action = next((action for action in ("broken", "serve", "redirect") if action in actions), "broken")
    service = services.get(router.service)
    reason = next((route.reason for _, route in places if route.reason), "" if places else NOWHERE)
    passes = [name for _, route in places for name in route.passes]
    if action == "serve" and service and not service.servers:
        action = NO_SERVER
    if action in ("serve", NO_SERVER) and (by := next((name for name in passes if name in closing), "")):
        action, reason = MAINTENANCE, f"Closed by {closing[by]}."
    return RouteRow(
        router=router.name,
        rule=router.rule,
        more=more if hosts else "",
        urls=tuple(urls[False]),
        redirects=tuple(urls[True]),
        entrypoints=tuple(name for name, _ in places),
        service=router.service,
        servers=service.servers if service else (),
        middlewares=router.middlewares,
        action=action,
        reason=reason,
        origin=router.origin,
        certificates=tuple(found for host in hosts if (found := certificate_of(host, certificates))),
        defaults=tuple(dict.fromkeys(name for name in passes if name not in {*router.middlewares, *closing})),
    )


def url(host: str, entrypoint: EntrypointRow) -> str:
    scheme = "https" if entrypoint.tls else "http"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if entrypoint.port == DEFAULT_PORTS[scheme] else f":{entrypoint.port}")


def certificate_of(host: str, certificates: Mapping[str, CertificateRow]) -> CertificateRow | None:
    """The host's own, else the wildcard's one label up (RFC 6125 6.4.3)."""
    return certificates.get(host) or certificates.get(f"*.{host.partition('.')[2]}")
