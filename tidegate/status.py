"""Status: what the running instance is doing, as values; the dashboard and `tidegate routes` show them.

Built from what the parts say of themselves, each taken by its shape, so that
this module stays pure and cheap to import.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from proxy.composite import Composites
from proxy.problem import Problem
from tidegate.redaction import redact_text
from tidegate.rule_words import beside_hosts

if TYPE_CHECKING:
    from proxy.model import Router, RoutingConfig, Server, Service
    from tidegate.serving import WorkerState
    from tidegate.tasks import TaskState

Health = Literal["ok", "degraded", "down"]
"""Down: nobody is served.  Degraded: who is routed is served, but not everything works."""
DEFAULT_PORTS = {"http": 80, "https": 443}


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


class HostLike(Protocol):
    """`acme_client`'s word on one host."""

    @property
    def host(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def issuer(self) -> str: ...
    @property
    def not_after(self) -> datetime | None: ...
    @property
    def renew_at(self) -> datetime | None: ...
    @property
    def next_try(self) -> datetime | None: ...
    @property
    def last_error(self) -> str: ...
    @property
    def findings(self) -> tuple[str, ...]: ...


class AuthorityLike(Protocol):
    """`acme_client`'s word on one authority."""

    @property
    def directory(self) -> str: ...
    @property
    def next_try(self) -> datetime | None: ...
    @property
    def last_error(self) -> str: ...


class EngineLike(Protocol):
    """`discovery`'s word on its source."""

    @property
    def up(self) -> bool: ...
    @property
    def what(self) -> str: ...


@dataclass(frozen=True, slots=True)
class EntrypointRow:
    """A listener; `port` is the one that visitors use."""

    name: str
    address: str
    port: int
    tls: bool = False


@dataclass(frozen=True, slots=True)
class ServerRow:
    url: str
    owner: str
    state: str


@dataclass(frozen=True, slots=True)
class ServiceRow:
    name: str
    servers: tuple[ServerRow, ...]
    routers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CertificateRow:
    host: str
    state: str
    issuer: str
    not_after: datetime | None
    next_try: datetime | None
    last_error: str
    findings: tuple[str, ...] = ()
    """What a look before the order has shown."""
    renew_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuthorityRow:
    """An ACME authority that is asked; `next_try` and `last_error` are set while it is out of order."""

    directory: str
    next_try: datetime | None
    last_error: str


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A router as its owner knows it: where it is reached, and who answers.

    `urls` are where it is served, `redirects` from where it sends people there;
    `more` is the rule when these do not say all of it.
    """

    router: str
    rule: str
    more: str
    urls: tuple[str, ...]
    redirects: tuple[str, ...]
    entrypoints: tuple[str, ...]
    service: str
    servers: tuple[ServerRow, ...]
    middlewares: tuple[str, ...]
    action: str
    reason: str
    origin: str
    certificates: tuple[CertificateRow, ...]
    defaults: tuple[str, ...] = ()
    """Middlewares that the installation has put before its own, on some entrypoint."""


@dataclass(frozen=True, slots=True)
class EngineRow:
    up: bool
    what: str


@dataclass(frozen=True, slots=True)
class Status:
    version: str
    data: str
    """The data directory, as the running instance sees it."""
    started: datetime
    uptime: float
    health: Health
    reasons: tuple[str, ...]
    engine: EngineRow | None
    entrypoints: tuple[EntrypointRow, ...]
    tasks: tuple[TaskState, ...]
    workers: tuple[WorkerState, ...]
    """Empty where the program serves by itself."""
    routes: tuple[RouteRow, ...]
    services: tuple[ServiceRow, ...]
    certificates: tuple[CertificateRow, ...]
    authorities: tuple[AuthorityRow, ...]
    problems: tuple[Problem, ...]


def always_up(_server: Server) -> str:
    return "up"


def build_status(
    *,
    version: str,
    started: datetime,
    now: datetime,
    config: RoutingConfig,
    routes: Mapping[str, Sequence[RouteLike]],
    data: str = "",
    entrypoints: Sequence[EntrypointRow] = (),
    hosts: Iterable[HostLike] = (),
    authorities: Iterable[AuthorityLike] = (),
    engine: EngineLike | None = None,
    tasks: Sequence[TaskState] = (),
    workers: Sequence[WorkerState] = (),
    problems: Iterable[Problem] = (),
    server_state: Callable[[Server], str] = always_up,
) -> Status:
    """Everything there is to show now.

    `routes` are the table's, by the name of their entrypoint; a router may
    stand on several.  `problems` join those of the config.
    """
    certificates = {
        each.host: CertificateRow(
            each.host,
            each.state,
            each.issuer,
            each.not_after,
            each.next_try,
            each.last_error,
            each.findings,
            each.renew_at,
        )
        for each in sorted(hosts, key=lambda each: each.host)
    }
    services = service_rows(config, server_state)
    reasons = (*who_is_missing(workers), *what_is_degraded(engine, tasks))
    told = tuple(dict.fromkeys(without_secrets(each) for each in (*config.problems, *problems)))
    rows = route_rows(config, routes, {each.name: each for each in entrypoints}, services, certificates)
    return Status(
        version=version,
        data=data,
        started=started,
        uptime=round((now - started).total_seconds(), 1),
        health="down" if nobody_serves(workers) else "degraded" if reasons else "ok",
        reasons=reasons,
        engine=EngineRow(engine.up, engine.what) if engine else None,
        entrypoints=tuple(entrypoints),
        tasks=tuple(tasks),
        workers=tuple(workers),
        routes=tuple(said_why(row, told) for row in rows),
        services=tuple(services.values()),
        certificates=tuple(certificates.values()),
        authorities=tuple(
            AuthorityRow(each.directory, each.next_try, each.last_error) for each in authorities
        ),
        problems=told,
    )


def without_secrets(problem: Problem) -> Problem:
    """The problem as anybody may read it; its maker should have seen to that, this is the second net."""
    where, what, consequence = map(redact_text, (problem.where, problem.what, problem.consequence))
    return Problem(where, what, consequence, problem.severity)


def nobody_serves(workers: Sequence[WorkerState]) -> bool:
    return bool(workers) and all(worker.state != "serving" for worker in workers)


def who_is_missing(workers: Sequence[WorkerState]) -> tuple[str, ...]:
    if nobody_serves(workers):
        return ("No worker serves: nobody gets an answer.",)
    return tuple(f"Worker {each.number} does not serve." for each in workers if each.state != "serving")


def what_is_degraded(engine: EngineLike | None, tasks: Iterable[TaskState]) -> tuple[str, ...]:
    """Why not everything works, while what is routed is still served."""
    reasons = [engine.what] if engine and not engine.up else []
    reasons += [
        f'The task "{task.name}" died and waits for its restart.' for task in tasks if task.state == "waiting"
    ]
    return tuple(reasons)


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


NO_SERVER = "no server"
NO_ANSWER = "no answer"
MAINTENANCE = "maintenance"
NOWHERE = "It is on no entrypoint; the problems say why."


def url(host: str, entrypoint: EntrypointRow) -> str:
    scheme = "https" if entrypoint.tls else "http"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if entrypoint.port == DEFAULT_PORTS[scheme] else f":{entrypoint.port}")


def certificate_of(host: str, certificates: Mapping[str, CertificateRow]) -> CertificateRow | None:
    """The host's own, else the wildcard's one label up (RFC 6125 6.4.3)."""
    return certificates.get(host) or certificates.get(f"*.{host.partition('.')[2]}")


def as_json(value: object) -> Any:
    """The value in JSON's types: field names stay, times are RFC 3339 in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if is_dataclass(value):
        return {each.name: as_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value
