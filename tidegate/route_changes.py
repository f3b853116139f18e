"""Route changes: which routes have opened and closed since the last table, as lines for the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from proxy.frozen import frozen
from tidegate.rows import RouteRow
from tidegate.words import count_text

MOST = 20
"""Lines about routes at one time; more of them are told by their number, each at debug."""

Event = Literal["opened", "closed", "moved"]


@frozen
class RouteChange:
    """A router that began or ceased to be served at `urls`, or whose servers are others now."""

    event: Event
    router: str
    urls: tuple[str, ...]
    servers: tuple[str, ...] = ()

    def __str__(self) -> str:
        servers = f" -> {', '.join(self.servers)}" if self.servers else ""
        return f"{self.event} {', '.join(self.urls) or self.router}{servers} router={self.router}"


@frozen
class Line:
    """What to log; without a change it sums several up."""

    level: Literal["info", "debug"]
    words: str
    change: RouteChange | None = None


def compare_routes(old: Iterable[RouteRow], new: Iterable[RouteRow]) -> tuple[RouteChange, ...]:
    """What closed and what opened, in that order; a route without a server is not open."""
    before, after = opened(old), opened(new)
    closed = [now for name, now in before.items() if name not in after or after[name].urls != now.urls]
    changes = [RouteChange("closed", each.router, each.urls) for each in closed]
    gone = {each.router for each in closed}
    for name, now in after.items():
        if name not in before or name in gone:
            changes.append(now)
        elif now.servers != before[name].servers:
            changes.append(RouteChange("moved", name, now.urls, now.servers))
    return tuple(changes)


def opened(rows: Iterable[RouteRow]) -> dict[str, RouteChange]:
    return {
        row.router: RouteChange(
            "opened", row.router, row.urls or (row.rule,), tuple(server.url for server in row.servers)
        )
        for row in rows
        if row.action == "serve"
    }


def lines(changes: Sequence[RouteChange]) -> Iterator[Line]:
    """One for each change; where two hundred containers are found at a start, one for all of them."""
    told = [change for change in changes if change.event != "moved"]
    if len(told) > MOST:
        counts = [(event, sum(change.event == event for change in told)) for event in ("opened", "closed")]
        words = " and ".join(f"{event} {count_text(count, 'route')}" for event, count in counts if count)
        yield Line("info", f"{words}; `tidegate routes` shows all")
    for change in changes:
        quiet = change.event == "moved" or len(told) > MOST
        yield Line("debug" if quiet else "info", str(change), change)
