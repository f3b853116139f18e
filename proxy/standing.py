"""Standing: what is remembered of the servers of one service: turns, their times, whether they are well.

Kept only for services that ask for it.  Times are the caller's, in seconds on
a clock that only goes forward.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from proxy.balancing import Balanced, PassiveHealthCheck
from proxy.crowding import Waiter
from proxy.model import Server, Service
from proxy.sticky import Places
from proxy.turns import Turns

GENTLE: Final = 0.1
"""The share of its weight with which a server comes back."""
LONGEST_BACK_OFF: Final = 5
"""Times that the time out is doubled at most."""
NEW_COUNTS: Final = 0.2
"""How much the last answer counts in the average time."""


class Record:
    """One server."""

    well: bool = True
    """As its health check says."""
    out_until: float = -inf
    """Left out for the failures of its requests."""
    trips: int = 0
    """How often in a row it was left out."""
    back_at: float = -inf
    """Since when it has been getting more and more of its share."""
    told: bool = False
    """It was said that it is left out, and not yet that it answers again."""
    busy: int = 0
    """How many requests it has, where that is limited."""
    average: float = 0.0
    """Seconds until it answers."""

    def __init__(self) -> None:
        self.failures: list[float] = []

    def may_serve(self, now: float) -> bool:
        return self.well and self.out_until <= now

    def share(self, now: float, ramp: float) -> float:
        """How much of its weight counts."""
        if ramp <= 0 or now >= self.back_at + ramp:
            return 1.0
        return max(GENTLE, (now - self.back_at) / ramp)

    def judge(self, well: bool, now: float) -> None:
        """What a health check has found."""
        if well and not self.well:
            self.back_at = now
        self.well = well

    def answered(self, seconds: float) -> None:
        self.average += (seconds - self.average) * (NEW_COUNTS if self.average else 1.0)

    def failed(self, how: PassiveHealthCheck, now: float) -> bool:
        """A request has failed; whether the server is left out for it."""
        if now < self.out_until:
            return False  # of those that were on their way before
        window = how.failure_window
        self.failures = [when for when in self.failures if when > now - window]
        self.failures.append(now)
        if len(self.failures) < how.max_failed_attempts:
            return False
        self.failures.clear()
        recovered = now > self.out_until + window * 2.0**self.trips
        self.trips = 0 if recovered else min(self.trips + 1, LONGEST_BACK_OFF)
        self.out_until = self.back_at = now + window * 2.0**self.trips
        return True


class Standing:
    """The servers of one service, by their places."""

    def __init__(self, service: Service) -> None:
        self.servers: tuple[Server, ...] = ()
        self.how: object = None
        self.records: list[Record] = []
        self.turns = Turns(0)
        self.sticky: Places | None = None
        self.waiting: dict[Waiter, None] = {}
        """Requests that wait until a server has room, who came first before the others."""
        self.alarm: Callable[[], object] | None = None
        """Prevents what is to happen when the next server that was left out is back; while somebody waits."""
        self.follow(service, -inf)

    def rest(self) -> None:
        """Nobody waits for a server to be back."""
        alarm, self.alarm = self.alarm, None
        if alarm:
            alarm()

    def follow(self, service: Service, now: float) -> None:
        """Another table: who stays keeps what is remembered, who is new begins now."""
        self.service = service
        places = {server: place for place, server in enumerate(self.servers)}
        stay = set(service.servers)
        changed = {_where(server): place for server, place in places.items() if server not in stay}
        turns, records = Turns(len(service.servers)), list[Record]()
        turns.clock = self.turns.clock
        for place, server in enumerate(service.servers):
            before = places.get(server)
            if before is None:  # it may have another weight
                before = changed.pop(_where(server), None)
            if before is None:
                record = Record()
                record.back_at = now
            else:
                record, turns.due[place] = self.records[before], self.turns.due[before]
                record.well = record.well or not _is_checked(service)
            records.append(record)
        self.servers, self.records, self.turns = service.servers, records, turns
        self.how = how = service.how
        self.sticky = None
        if isinstance(how, Balanced) and how.sticky:
            urls = [server.url for server in service.servers]
            self.sticky = Places(how.sticky.cookie, service.name, urls)


def _where(server: Server) -> object:
    """What a server is known by whatever else is said of it: its requests are under way there."""
    return server.owner, server.scheme, server.address, server.port


def _is_checked(service: Service) -> bool:
    return isinstance(service.how, Balanced) and service.how.health_check is not None


def ramp_of(how: Balanced) -> float:
    """How long a server takes to its whole share."""
    return how.slow_start or (how.passive_health_check.failure_window if how.passive_health_check else 0.0)
