"""Plan: from what is wanted, held and failed to what is done now, and when to look again.

Obtaining and renewing are one thing: a host is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta

from acme_client.certificate import INTERNAL, Certificate
from acme_client.frozen import frozen
from acme_client.ledger import Entry, Renewal
from acme_client.retry import DAY

BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock that is right shows an earlier moment than this."""

SHORT_LIVED = timedelta(days=10)
LOOK_AGAIN = timedelta(minutes=10)
"""However far away the next renewal is: clocks jump, and machines sleep."""


@frozen
class Need:
    """One wanted host with all that decides when it is due.

    `directory` is the CA it should be certified by, `others` those whose
    certificates are as good; `wanted` counts up with each host that is newly wanted.
    """

    host: str
    directory: str
    held: Certificate | None = None
    entry: Entry = field(default_factory=Entry)
    renewal: Renewal = field(default_factory=Renewal)
    wanted: int = 0
    busy: bool = False
    others: tuple[str, ...] = ()
    forced: bool = False
    """Its owner wants a new one now."""

    @property
    def satisfied(self) -> bool:
        """Whether a certificate is held that only has to be renewed in time."""
        return self.held is not None and self.held.directory in (self.directory, *self.others)


@frozen
class Plan:
    start: tuple[str, ...]
    wake: datetime


def renew_at(certificate: Certificate, renewal: Renewal | None = None) -> datetime:
    """The moment to renew: the CA's suggestion if there is one, else by lifetime.

    A third of the lifetime before the end, a half for lives below ten days
    (Let's Encrypt's advice), up to a fiftieth earlier: certificates of one day
    should not all come due in one second.  The earliness comes from the serial
    number, so it needs no storing.  A suggestion too late to leave room for a
    second try is not followed.
    """
    life = certificate.not_after - certificate.not_before
    if renewal and renewal.chosen and renewal.chosen <= certificate.not_after - life / 20:
        return renewal.chosen
    left = life / 2 if life < SHORT_LIVED else life / 3
    earlier = life / 50 * (certificate.serial % 1009 / 1009)
    return certificate.not_after - left - earlier


DUE_AT_BIRTH = (
    "The new certificate is to be renewed from its first moment on: this machine's clock is ahead, or the"
    " authority's is behind. The next one is ordered in a day."
)


def entry_after(certificate: Certificate, entry: Entry, now: datetime) -> Entry:
    """The record after a success.

    By a clock that is months ahead every new certificate is due at once; one
    that is replaced for that would be replaced for ever.
    """
    after = entry.succeeded()
    if renew_at(certificate) > now:
        return after
    life = certificate.not_after - certificate.not_before
    return replace(after.later(now, min(life / 2, DAY)), cause=DUE_AT_BIRTH)


def covers_until(certificate: Certificate, *, renewable: bool) -> datetime:
    """The moment from which hosts under a wildcard that nobody names need certificates of their own.

    When it is due, or where it can be renewed, when half of the time for that has passed in vain.
    """
    due = renew_at(certificate)
    return due + (certificate.not_after - due) / 2 if renewable else due


def renew_reason(certificate: Certificate, renewal: Renewal | None = None) -> str:
    """Why `renew_at` is when it is, for people."""
    life = certificate.not_after - certificate.not_before
    if renewal and renewal.chosen and renew_at(certificate, renewal) == renewal.chosen:
        more = f": {renewal.explanation}" if renewal.explanation else ""
        return f"the authority has asked for that time{more}"
    return "half of its short life is left then" if life < SHORT_LIVED else "a third of its life is left then"


def due_at(need: Need) -> datetime:
    """The moment at which this host should be asked for; in the past: now."""
    waits = need.held and need.satisfied and not need.forced
    due = renew_at(need.held, need.renewal) if need.held and waits else BUILT
    next_try = need.entry.next_try_at(need.directory)
    return max(due, next_try) if next_try else due


def clock_is_sane(now: datetime, held: Iterable[Certificate | None]) -> bool:
    """Whether this can be the time: a board without a battery starts in 1970.

    An order made under a wrong clock is judged by wrong dates for ever after.
    Tidegate's own certificates prove nothing: this same clock dated them.
    """
    others = (certificate for certificate in held if certificate and certificate.directory != INTERNAL)
    return now >= BUILT and all(now >= certificate.not_before for certificate in others)


def choose(needs: Sequence[Need], pauses: Mapping[str, Entry], now: datetime, free: int) -> Plan:
    """Which hosts to start an order for, at most `free`, and when to look again.

    A site without a certificate goes before a renewal, one that has not failed
    before one that has, and then the newest first: somebody is waiting for it,
    however many old ones are still in the queue.  `pauses` are the records of
    CAs by their directories: who is out of order is not asked.
    """
    asked = [need for need in needs if need.directory not in (INTERNAL, "") and not need.busy]
    times = {need.host: _asked_at(need, pauses) for need in asked}
    wakes = [now + LOOK_AGAIN, *times.values()]
    if not clock_is_sane(now, (need.held for need in needs)):
        return Plan((), now + timedelta(minutes=1))
    due = sorted((need for need in asked if times[need.host] <= now), key=_urgency)
    later = [wake for wake in wakes if wake > now]
    return Plan(tuple(need.host for need in due[: max(free, 0)]), min(later))


def _asked_at(need: Need, pauses: Mapping[str, Entry]) -> datetime:
    due, pause = due_at(need), pauses.get(need.directory)
    return max(due, pause.next_try) if pause and pause.next_try else due


def _urgency(need: Need) -> tuple[bool, int, int]:
    return need.held is not None, need.entry.failures, -need.wanted
