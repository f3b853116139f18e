"""Rows: everything about each certificate, as values; `tidegate certs` and /api/certs show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from proxy.frozen import frozen

if TYPE_CHECKING:
    from acme_client.host import HostStatus
    from acme_client.limits import Left
    from acme_client.outages import AuthorityStatus
    from proxy.problem import Problem

DAY = 86400


@frozen
class OrdersLeft:
    """What the authority still gives this week: for the name, and for new names of its domain."""

    name: int
    domain: int


@frozen
class CertRow:
    """One wanted name and the certificate that it is served with.

    `days_left` is what is left of it, below zero where it has run out.  `orders_left` is None
    where Tidegate knows no limits of its authority.
    """

    host: str
    state: str
    names: tuple[str, ...]
    issuer: str
    authority: str
    serial: str
    not_before: datetime | None
    not_after: datetime | None
    days_left: float | None
    renew_at: datetime | None
    renew_reason: str
    next_try: datetime | None
    last_error: str
    remedy: str
    failures: int
    findings: tuple[str, ...]
    covered_by: str
    orders_left: OrdersLeft | None
    resolver: str
    """The one that its routers name; "" where it has the usual one."""


@frozen
class Certificates:
    """All of them, and the authorities that are asked."""

    certificates: tuple[CertRow, ...]
    authorities: Sequence[AuthorityStatus]
    problems: tuple[Problem, ...] = ()
    """What stops all of them, each said once."""


def rows(
    hosts: Iterable[HostStatus],
    left: Mapping[str, Left],
    authorities: Sequence[AuthorityStatus],
    now: datetime,
) -> Certificates:
    """Soonest to run out first: that is the one to look at."""
    made = [row(each, left.get(each.host), now) for each in hosts]
    made.sort(key=lambda each: (each.days_left is None, each.days_left, each.host))
    return Certificates(tuple(made), authorities)


def row(host: HostStatus, left: Left | None, now: datetime) -> CertRow:
    seconds = (host.not_after - now).total_seconds() if host.not_after else None
    return CertRow(
        host=host.host,
        state=host.state,
        names=host.names,
        issuer=host.issuer,
        authority=host.directory,
        serial=host.serial,
        not_before=host.not_before,
        not_after=host.not_after,
        days_left=None if seconds is None else round(seconds / DAY, 2),
        renew_at=host.renew_at,
        renew_reason=host.renew_reason,
        next_try=host.next_try,
        last_error=host.last_error,
        remedy=host.remedy if host.last_error else "",
        failures=host.failures,
        findings=host.findings,
        covered_by=host.covered_by,
        orders_left=OrdersLeft(left.name, left.domain) if left else None,
        resolver=host.resolver,
    )
