"""Access log: what there is to say about one request once it is over."""

from __future__ import annotations

from typing import Final

CLIENT_LEFT: Final = 499
"""The client went before any answer; nginx's number for it, which log tools know."""


class Tally:
    """One request.  It is written while the request is served, and told when that is over.

    `started` is the loop's time, `duration` is in seconds.  `path` is without
    the query, which often carries secrets.  `bytes_in` and `bytes_out` count
    content, not heads.  `fault` says in plain words why an exchange did not end
    well, `bug` is the exception where the fault is ours; its traceback belongs
    in the log and nowhere else.
    """

    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    duration: float = 0.0
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

    def ended(self, now: float) -> Tally:
        self.duration = now - self.started
        if not self.status:
            self.status = CLIENT_LEFT
        return self
