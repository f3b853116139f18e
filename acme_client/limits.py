"""Limits: what a CA lets one account have in a week, known before it says no.

A refusal costs nothing but is answered with a wait; asking anyway, in a loop, is
what gets addresses blocked.  Only what this storage has asked for is counted, so
the CA may still know more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from acme_client.failure import Failure
from acme_client.frozen import frozen

WEEK = timedelta(days=7)

SPELL = timedelta(hours=3)
"""The time in which an account's orders are counted."""


@frozen
class Limits:
    """Certificates in a week, for a registered domain and for the same names; orders in three hours."""

    per_domain: int
    per_name: int
    orders: int = 300


LETS_ENCRYPT = Limits(per_domain=50, per_name=5)


@frozen
class Issued:
    """A certificate that counts.  `new` is the first one for its name: renewals count less."""

    at: datetime
    host: str
    new: bool = True


def after(issued: Iterable[Issued], one: Issued) -> tuple[Issued, ...]:
    """What counts from now on: this one, and those of the last week."""
    return (*(each for each in issued if each.at > one.at - WEEK), one)


def refuse(
    host: str,
    *,
    new: bool,
    issued: Sequence[Issued],
    limits: Limits,
    domains: Mapping[str, str],
    now: datetime,
) -> Failure | None:
    """Why the CA would refuse, with the seconds until it would not; None where it would not.

    `domains` has the registered domain of this host and of all that were issued.
    """
    week = [each for each in issued if each.at > now - WEEK]
    same = sorted(each.at for each in week if each.host == host)
    if len(same) >= limits.per_name:
        cause = (
            f"This week {host} had {len(same)} certificates, and the CA gives no more than {limits.per_name}."
            " Keep the data directory over restarts, then none is needed again."
        )
        return _until(same[-limits.per_name], cause, now)
    domain = domains[host]
    others = sorted(each.at for each in week if each.new and domains[each.host] == domain)
    if new and len(others) >= limits.per_domain:
        cause = (
            f"This week {len(others)} hosts of {domain} had their first certificate, and the CA gives no more"
            f" than {limits.per_domain}. A wildcard, *.{domain}, would do for all of them."
        )
        return _until(others[-limits.per_domain], cause, now)
    return None


def recent(orders: Iterable[datetime], now: datetime) -> tuple[datetime, ...]:
    """Those orders that count now."""
    return tuple(each for each in orders if now - SPELL < each <= now)


def refuse_order(orders: Iterable[datetime], limits: Limits, now: datetime) -> Failure | None:
    """Why the CA would take no order of this account, whatever the host."""
    counted = sorted(recent(orders, now))
    if len(counted) < limits.orders:
        return None
    wait = (counted[-limits.orders] + SPELL - now).total_seconds()
    cause = f"In the last three hours it took {len(counted)} orders, and no CA of its kind takes more."
    return Failure("rate", cause, retry_after=wait, wide=True)


@frozen
class Left:
    """How many certificates the CA still gives this week.

    `name`: for this host; `domain`: first ones for hosts of its registered domain.
    """

    name: int
    domain: int


def left(
    host: str, *, issued: Sequence[Issued], limits: Limits, domains: Mapping[str, str], now: datetime
) -> Left:
    week = [each for each in issued if each.at > now - WEEK]
    same = sum(each.host == host for each in week)
    domain = domains[host]
    others = sum(each.new and domains[each.host] == domain for each in week)
    return Left(max(limits.per_name - same, 0), max(limits.per_domain - others, 0))


def _until(oldest: datetime, cause: str, now: datetime) -> Failure:
    return Failure("rate", cause, retry_after=(oldest + WEEK - now).total_seconds())


def to_json(issued: Iterable[Issued]) -> dict[str, Any]:
    return {"issued": [{"at": each.at.isoformat(), "host": each.host, "new": each.new} for each in issued]}


def from_json(document: Any) -> tuple[Issued, ...]:
    """What counts; a damaged file counts as none, since the CA keeps its own count."""
    try:
        return tuple(
            Issued(datetime.fromisoformat(each["at"]), str(each["host"]), bool(each["new"]))
            for each in document["issued"]
            if datetime.fromisoformat(each["at"]).tzinfo
        )
    except (KeyError, TypeError, ValueError):
        return ()


def orders_to_json(orders: Iterable[datetime]) -> dict[str, Any]:
    return {"orders": [each.isoformat() for each in orders]}


def orders_from_json(document: Any) -> tuple[datetime, ...]:
    try:
        read = (datetime.fromisoformat(each) for each in document["orders"])
        return tuple(each for each in read if each.tzinfo)
    except (KeyError, TypeError, ValueError):
        return ()
