"""ARI: the CA's suggestion when to renew a certificate (RFC 9773)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from acme_client.certificate import Certificate
from acme_client.ledger import Renewal
from acme_client.retry import DAY

ASK_EVERY = timedelta(hours=6)
SOONEST = timedelta(minutes=1)


def fresh(certificate: Certificate, renewal: Renewal) -> Renewal:
    """What is known about this certificate; nothing where the record speaks of another."""
    serial = f"{certificate.serial:x}"
    return renewal if renewal.serial == serial else Renewal(serial=serial)


def suggested(
    certificate: Certificate, known: Renewal, document: Any, now: datetime, wait: float | None, draw: float
) -> Renewal:
    """The renewal after the CA's answer.

    A broken window is as good as none: the lifetime rule holds then, and a CA
    that talks nonsense can never make us renew in a loop.
    """
    asked = replace(fresh(certificate, known), ask_again=now + _pause(wait))
    window = _window(document)
    if window is None:
        return replace(asked, start=None, end=None, chosen=None)
    start, end = window
    if (asked.start, asked.end) == window and asked.chosen:
        return asked
    explanation = str(document.get("explanationURL") or "")[:500]
    return replace(asked, start=start, end=end, chosen=start + (end - start) * draw, explanation=explanation)


def unanswered(certificate: Certificate, known: Renewal, now: datetime, wait: float | None) -> Renewal:
    """The renewal after a question that got no answer: what was known stays."""
    return replace(fresh(certificate, known), ask_again=now + _pause(wait))


def _pause(wait: float | None) -> timedelta:
    return ASK_EVERY if wait is None else min(max(timedelta(seconds=wait), SOONEST), DAY)


def _window(document: Any) -> tuple[datetime, datetime] | None:
    window = document.get("suggestedWindow") if isinstance(document, Mapping) else None
    if not isinstance(window, Mapping):
        return None
    start, end = _moment(window.get("start")), _moment(window.get("end"))
    return (start, end) if start and end and start < end else None


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
