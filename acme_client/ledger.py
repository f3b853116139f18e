"""Ledger: what has failed, how often, and when to try again.  Kept on disk by `store`.

A container in a restart loop must not use up a CA's limits, so nothing here is
forgotten when Tidegate starts again.
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from acme_client.failure import Failure, with_detail
from acme_client.frozen import frozen
from acme_client.retry import AUTHORITY_STEPS, DAY, HOST_STEPS, wait

T = TypeVar("T", "Entry", "Renewal")

SHORTEST = timedelta(seconds=5)
"""A Retry-After of 0 must not become a loop."""


LATER = ("first", "limited_by", "limited_until", "at")
"""Fields that records of older releases lack."""


@frozen
class Entry:
    """The record of one host, or of one CA as a whole.

    `settings` is the fingerprint of the settings under which it failed: a
    mistake in them need not be waited for once they have been changed.
    """

    failures: int = 0
    next_try: datetime | None = None
    kind: str = ""
    cause: str = ""
    detail: str = ""
    settings: str = ""
    first: str = ""
    """The kind of challenge to begin with; it outlives a success, which it may have led to."""
    limited_by: str = ""
    """The CA (its directory) whose limits are used up, and until when; another one may still be asked."""
    limited_until: datetime | None = None
    at: datetime | None = None
    """When `next_try` was set, by the clock of then."""

    def failed(
        self,
        failure: Failure,
        now: datetime,
        settings: str,
        jitter: float,
        first: str = "",
        directory: str = "",
    ) -> Entry:
        """This record after one more failure; the CA's own Retry-After is obeyed exactly.

        `first` is the kind of challenge to begin with next time, if another one than now.
        """
        begun = self.kind == "preflight" != failure.kind  # of that one, no CA knows
        failures = 1 if begun else self.failures + 1
        next_try = now + _pause(failure, failures, jitter)
        limited = failure.kind == "rate" and bool(directory)
        return Entry(
            failures=failures,
            next_try=next_try,
            kind=failure.kind,
            cause=failure.cause,
            detail=failure.detail,
            settings=settings,
            first=first or self.first,
            limited_by=directory if limited else self.limited_by,
            limited_until=next_try if limited else self.limited_until,
            at=now,
        )

    def succeeded(self) -> Entry:
        return Entry(first=self.first)

    def later(self, now: datetime, wait: timedelta) -> Entry:
        """This record with nothing but its next try put off."""
        return replace(self, next_try=now + wait, at=now)

    def by_clock(self, now: datetime) -> Entry:
        """This record as it counts now; one of the future is by a clock that has been set back since."""
        if self.at is None or self.at <= now + SHORTEST:
            return self
        return replace(self, next_try=None, limited_until=None, cause=self.cause if self.kind else "")

    def limits(self, directory: str, now: datetime) -> bool:
        """Whether this CA would refuse for its limits."""
        return self.limited_by == directory and self.limited_until is not None and self.limited_until > now

    def next_try_at(self, directory: str) -> datetime | None:
        """When this CA may be asked: what another one's limits say is nothing to it."""
        other = self.kind == "rate" and self.limited_by not in ("", directory)
        return None if other else self.next_try

    def waits(self, now: datetime) -> bool:
        return self.next_try is not None and self.next_try > now

    def under(self, settings: str) -> Entry:
        """This record as it counts under these settings."""
        changed = self.settings != settings
        return replace(self, next_try=None) if changed and self.kind == "configuration" else self

    @property
    def text(self) -> str:
        return with_detail(self.kind, self.cause, self.detail)


def _pause(failure: Failure, failures: int, jitter: float) -> timedelta:
    if failure.kind == "configuration":
        return wait((DAY,), failures, jitter)
    uncounted = failure.wide or failure.kind == "preflight"
    step = wait(AUTHORITY_STEPS if uncounted else HOST_STEPS, failures, jitter)
    if failure.retry_after is None:
        return step
    asked = max(timedelta(seconds=failure.retry_after), SHORTEST)
    return max(asked, step) if failure.kind == "validation" else asked


@frozen
class Renewal:
    """What the CA suggested about renewing one certificate (RFC 9773), and the moment chosen from it.

    The moment is chosen once per window: a new draw at each check would drift
    towards the window's end.
    """

    serial: str = ""
    start: datetime | None = None
    end: datetime | None = None
    chosen: datetime | None = None
    ask_again: datetime | None = None
    explanation: str = ""


def to_json(record: Entry | Renewal) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in asdict(record).items()
    }


def entry_from(document: Any) -> Entry:
    """The entry in this JSON; a damaged one counts as empty."""
    return _record(Entry, document)


def renewal_from(document: Any) -> Renewal:
    return _record(Renewal, document)


def _record(cls: type[T], document: Any) -> T:
    try:
        known = [field for field in fields(cls) if field.name in document or field.name not in LATER]
        return cls(**{field.name: _value(field.type, document[field.name]) for field in known})
    except (ValueError, TypeError, KeyError):
        return cls()


def _value(annotation: Any, value: Any) -> Any:
    if annotation == "datetime | None":
        moment = datetime.fromisoformat(value) if value is not None else None
        if moment is not None and moment.tzinfo is None:
            raise ValueError("a moment without its time zone")
        return moment
    if type(value).__name__ != annotation:
        raise TypeError(f"{value!r} is no {annotation}")
    return value
