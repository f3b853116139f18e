"""Aim: which of several CAs a host is certified by next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from acme_client.ledger import Entry

PATIENCE = 2
"""Failures in a row, a minute apart, until a CA counts as out of order: a hiccup moves nobody."""


def aim(directories: Sequence[str], entry: Entry, pauses: Mapping[str, Entry], now: datetime) -> str:
    """The first CA that is in order and has not used up this host's limits; else the first one.

    What a host itself has failed by would fail anywhere, so it changes nothing.
    """
    return next((each for each in directories if _may_be_asked(each, entry, pauses, now)), directories[0])


def _may_be_asked(directory: str, entry: Entry, pauses: Mapping[str, Entry], now: datetime) -> bool:
    pause = pauses.get(directory)
    out_of_order = (
        pause is not None
        and pause.waits(now)
        and (pause.failures >= PATIENCE or pause.kind == "configuration")  # time changes nothing about that
    )
    return not out_of_order and not entry.limits(directory, now)
