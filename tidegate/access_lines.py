"""Access lines: one line a request, cheap enough for every request.

They go past structlog on purpose: the line has a fixed shape and no secret
(the query is not part of a tally), so it needs none of the processors.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from tidegate.printable import printable

if TYPE_CHECKING:
    from proxy.access_log import Tally

text = json.JSONEncoder().encode
"""A string in JSON, everything beyond ASCII and every control character escaped."""


class AccessLog:
    """Called with each tally; a bug of ours that a tally carries is logged with its traceback as well."""

    def __init__(
        self, write: Callable[[str], None], *, console: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._write = write
        self._line = line_for_people if console else json_line
        self._clock = clock
        self._stamp = Stamp(
            "%H:%M:%S" if console else "%Y-%m-%dT%H:%M:%S", time.localtime if console else time.gmtime
        )

    def __call__(self, tally: Tally) -> None:
        self._write(self._line(tally, self._stamp, self._clock()))
        if tally.bug is not None:
            log_bug(tally)


def log_bug(tally: Tally) -> None:
    """Also for an installation that keeps no access log."""
    if tally.bug is not None:
        log = structlog.get_logger("tidegate.access")
        log.error("request failed", method=tally.method, host=tally.host, path=tally.path, exc_info=tally.bug)


class Stamp:
    """A time's text up to its second, made once a second."""

    def __init__(self, form: str, calendar: Callable[[float], time.struct_time]) -> None:
        self._form = form
        self._calendar = calendar
        self._second = -1
        self._text = ""

    def __call__(self, now: float) -> str:
        if (second := int(now)) != self._second:
            self._second, self._text = second, time.strftime(self._form, self._calendar(second))
        return self._text


def json_line(tally: Tally, stamp: Stamp, now: float) -> str:
    """Written out by hand: 2 microseconds, where building a dict for json.dumps takes 5."""
    fault = f', "fault": {text(tally.fault)}' if tally.fault else ""
    return (
        f'{{"event": "request", "client": {text(tally.client)}, "host": {text(tally.host)}, '
        f'"method": {text(tally.method)}, "path": {text(tally.path)}, "status": {tally.status:d}, '
        f'"bytes": {tally.bytes_out:d}, "bytes_in": {tally.bytes_in:d}, "duration": {tally.duration:.6f}, '
        f'"router": {text(tally.router)}, "server": {text(tally.server)}, '
        f'"entrypoint": {text(tally.entrypoint)}{fault}, '
        f'"level": "info", "timestamp": "{stamp(now)}.{int(now * 1000) % 1000:03}Z"}}'
    )


def line_for_people(tally: Tally, stamp: Stamp, now: float) -> str:
    words = (
        f"{stamp(now)} info    {tally.client} {tally.method} {tally.host}{tally.path} {tally.status} "
        f"{size(tally.bytes_out)} {tally.duration * 1000:.0f} ms "
        f"{tally.router or '-'} {tally.server or '-'}"
    )
    return printable(f"{words} ({tally.fault})" if tally.fault else words)


def size(count: int) -> str:
    if count < 10_000:
        return f"{count} B"
    value, unit = count / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}"
