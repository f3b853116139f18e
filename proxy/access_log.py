"""Access log: what there is to say about one request once it is over."""

from __future__ import annotations

from dataclasses import dataclass

CLIENT_LEFT = 499
"""The client went before any answer; nginx's number for it, which log tools know."""


@dataclass(init=False)
class AccessRecord:
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
    bytes_in: int
    bytes_out: int
    duration: float
    router: str
    server: str
    fault: str
    bug: BaseException | None

    def __init__(
        self,
        entrypoint: str,
        client: str,
        method: str,
        host: str,
        path: str,
        status: int,
        bytes_in: int = 0,
        bytes_out: int = 0,
        duration: float = 0.0,
        router: str = "",
        server: str = "",
        fault: str = "",
        bug: BaseException | None = None,
    ) -> None:
        self.entrypoint = entrypoint
        self.client = client
        self.method = method
        self.host = host
        self.path = path
        self.status = status
        self.bytes_in = bytes_in
        self.bytes_out = bytes_out
        self.duration = duration
        self.router = router
        self.server = server
        self.fault = fault
        self.bug = bug


class Tally:
    """An AccessRecord while it is being written: one per request."""

    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    router: str = ""
    server: str = ""
    fault: str = ""
    bug: BaseException | None = None

    def __init__(
        self, entrypoint: str, client: str, started: float, method: str = "-", host: str = "", path: str = ""
    ) -> None:
        self.entrypoint = entrypoint
        self.client = client
        self.started = started
        self.method = method
        self.host = host
        self.path = path

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
