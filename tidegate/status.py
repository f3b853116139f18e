"""Status: what the running instance is doing, as values; the dashboard and `tidegate routes` show them.

Built from what the parts say of themselves, each taken by its shape, so that
this module stays pure and cheap to import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from proxy.frozen import frozen
from proxy.problem import Problem
from tidegate.redaction import redact_text
from tidegate.route_rows import RouteLike, always_up, route_rows, said_why, service_rows
from tidegate.rows import AuthorityRow, CertificateRow, EngineRow, EntrypointRow, RouteRow, ServiceRow

if TYPE_CHECKING:
    from proxy.model import RoutingConfig, Server
    from tidegate.serving import WorkerState
    from tidegate.tasks import TaskState

Health = Literal["ok", "degraded", "down"]
"""Down: nobody is served.  Degraded: who is routed is served, but not everything works."""


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


@frozen
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
