"""Access log: what there is to say about one request once it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

CLIENT_LEFT = 499
"""The client went before any answer; nginx's number for it, which log tools know."""


class AccessRecord(NamedTuple):
    """One request.  `path` is without the query, which often carries secrets.

    `bytes_in` and `bytes_out` count content, not heads.  `fault` says in plain
    words why an exchange did not end well, `bug` is the exception where the
    fault is ours; its traceback belongs in the log and nowhere else.
    """

    entrypoint: str
    client: str
    method: str
    host: str
    path: str
    status: int
    bytes_in: int = 0
    bytes_out: int = 0
    duration: float = 0.0
    router: str = ""
    server: str = ""
    fault: str = ""
    bug: BaseException | None = None


@dataclass(slots=True)
class Tally:
    """An AccessRecord while it is being written: one per request."""

    entrypoint: str
    client: str
    started: float
    method: str = "-"
    host: str = ""
    path: str = ""
    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    router: str = ""
    server: str = ""
    fault: str = ""
    bug: BaseException | None = None

    def record(self, now: float) -> AccessRecord:
        return AccessRecord(
            self.entrypoint,
            self.client,
            self.method,
            self.host,
            self.path,
            self.status or CLIENT_LEFT,
            self.bytes_in,
            self.bytes_out,
            now - self.started,
            self.router,
            self.server,
            self.fault,
            self.bug,
        )
