"""Retry: how long to wait after a failure, and what a CA's Retry-After means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

HOST_STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 100, 24 * 60))
"""After a failed validation: Let's Encrypt's advice, three tries in the first hour where it allows five."""

AUTHORITY_STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 60))
"""After an outage of the CA: it uses up nobody's limits, so hosts need not wait a day for its return."""

DAY = timedelta(days=1)
LONGEST = timedelta(days=31)


def wait(steps: Sequence[timedelta], failures: int, jitter: float) -> timedelta:
    """The wait after this many failures in a row, up to a tenth longer.

    `jitter` is a random number in [0, 1): hosts that failed together should not
    come back together.
    """
    base = steps[min(max(failures, 1), len(steps)) - 1]
    return base * (1 + 0.1 * jitter)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from either form of the field (RFC 9110 10.2.3); None for anything else.

    A date is compared with `now`, which should be the answer's own Date: this
    machine's clock may be wrong.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST.total_seconds())
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    seconds = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST.total_seconds())
