"""Reports: what a worker tells its parent, as JSON lines that are believed in nothing else.

A worker faces strangers.  One that was taken over may lie about itself, but
what it says is read as one of the few values below, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeAlias, get_type_hints

from proxy.frozen import frozen
from tidegate.reachability import FAILURES

LONGEST = 4096
"""Bytes of a line: a host name, a server's address or a reason has a few hundred."""
LARGEST = 2**31


class NotAReport(Exception):
    """A worker that is well does not say this."""


@frozen
class Ready:
    """It serves."""


@frozen
class Alive:
    """The heartbeat."""

    connections: int


@frozen
class Shown:
    """The ACME answers of this serial are given to whoever asks for them."""

    serial: int


@frozen
class Tried:
    """A server began or ceased to answer; `failure` is one of reachability's words, or "" if it answers."""

    owner: str
    url: str
    failure: str


@frozen
class Refused:
    """A certificate that cannot be used."""

    host: str
    reason: str


@frozen
class Asks:
    """Why a visitor in the house gets a page of our own: a query of /api/why."""

    serial: int
    query: str


Report: TypeAlias = Ready | Alive | Shown | Tried | Refused | Asks

KINDS: Mapping[str, type[Report]] = {
    kind.__name__: kind for kind in (Ready, Alive, Shown, Tried, Refused, Asks)
}


def line_of(report: Report) -> bytes:
    return json.dumps({"report": type(report).__name__, **asdict(report)}).encode() + b"\n"


def read_report(line: bytes) -> Report:
    """The report of a line; NotAReport where it is anything else, whatever it is."""
    if len(line) > LONGEST:
        raise NotAReport("it is too long")
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise NotAReport("it is no JSON") from None
    if not isinstance(said, dict) or not isinstance(kind := said.pop("report", None), str):
        raise NotAReport("it has no kind")
    if (cls := KINDS.get(kind)) is None:
        raise NotAReport("there is no such kind")
    report = _checked(cls, said)
    if isinstance(report, Tried) and report.failure not in FAILURES:
        raise NotAReport("servers do not fail like this")
    return report


def _checked(cls: type[Report], said: dict[str, Any]) -> Report:
    types = get_type_hints(cls)
    if said.keys() != {each.name for each in fields(cls)}:
        raise NotAReport("it says more or less than its kind")
    for name, value in said.items():
        if type(value) is not types[name] or not _is_plain(value):
            raise NotAReport("a value is of another kind")
    return cls(**said)


def _is_plain(value: int | str) -> bool:
    return value.isprintable() if isinstance(value, str) else 0 <= value < LARGEST
