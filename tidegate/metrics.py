"""Metrics: the state of certificates in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from tidegate.rows import CertificateRow
from tidegate.status import Status

METRICS = "text/plain; version=0.0.4; charset=utf-8"

Sample: TypeAlias = tuple[tuple[tuple[str, str], ...], float]
"""Labels and value."""


def metrics_text(status: Status) -> str:
    return "".join(f"{line}\n" for line in lines(status))


def lines(status: Status) -> Iterator[str]:
    rows, authorities = status.certificates, status.authorities
    yield from family("tidegate_up", "Whether visitors are served.", [((), status.health != "down")])
    yield from family(
        "tidegate_certificate_expiry_timestamp_seconds",
        "When the certificate that is served for this name runs out.",
        of_hosts((row, row.not_after) for row in rows),
    )
    yield from family(
        "tidegate_certificate_renewal_timestamp_seconds",
        "When it is to be renewed.",
        of_hosts((row, row.renew_at) for row in rows),
    )
    yield from family(
        "tidegate_certificate_next_try_timestamp_seconds",
        "When its authority is asked again after a failure.",
        of_hosts((row, row.next_try) for row in rows),
    )
    yield from family(
        "tidegate_certificate_error",
        "Whether the last attempt for this name came to nothing.",
        [((("host", row.host), ("state", row.state)), bool(row.last_error)) for row in rows],
    )
    yield from family(
        "tidegate_authority_up",
        "Whether the ACME authority is asked; 0 while it is out of order.",
        [((("directory", each.directory),), each.next_try is None) for each in authorities],
    )


def of_hosts(times: Iterable[tuple[CertificateRow, datetime | None]]) -> list[Sample]:
    return [((("host", row.host),), moment.timestamp()) for row, moment in times if moment]


def family(name: str, what: str, samples: Iterable[Sample]) -> Iterator[str]:
    samples = list(samples)
    if not samples:
        return
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        shown = ",".join(f'{key}="{escaped(text)}"' for key, text in labels)
        yield f"{name}{{{shown}}} {float(value):.0f}" if shown else f"{name} {float(value):.0f}"


def escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
