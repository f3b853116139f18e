"""Gate: what the connections of all entrypoints have in common.  The routing table is swapped here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING, Protocol

from proxy.access_log import Tally
from proxy.asked import AskedMemo
from proxy.capacity import Capacity
from proxy.field_lines import LineMemo
from proxy.headers import TrustedProxies
from proxy.limits import Limits
from proxy.phase import Phase
from proxy.table import RoutingTable

if TYPE_CHECKING:
    from proxy.arrival import Arrival
    from proxy.connection import Connection
    from proxy.explainer import Explainer
    from proxy.lane import FastLane


class Lane(Protocol):
    """Where the requests of a connection are handled."""

    def new_protocol(self) -> asyncio.Protocol: ...


@dataclass(slots=True, eq=False)
class Gate:
    table: RoutingTable
    trusted: TrustedProxies
    limits: Limits
    answers: Callable[[str], bytes | None]
    """The body for an ACME challenge's path, None for a path that is no challenge of ours."""
    log: Callable[[Tally], None]
    lane: Lane
    capacity: Capacity
    fast: FastLane | None = None
    """Where plain turns pass; None where that is switched off."""
    explainer: Explainer | None = None
    """Tells people in the house why a page of our own came; None where nobody is told."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: bool = False
    """The same, for whoever asks at each request: an event is asked by a call into the interpreter."""
    entries: list[Entry] = field(default_factory=list)

    def add_entry(self, name: str, tls: bool, port: int) -> Entry:
        entry = Entry(name, tls, port, self, AskedMemo(tls, port))
        self.entries.append(entry)
        entry.expect(self.table)
        return entry

    def serve(self, table: RoutingTable) -> None:
        """Route by this from now on; what has a route already keeps it."""
        self.table = table
        for entry in self.entries:
            entry.expect(table)

    @property
    def asks_to_go(self) -> bool:
        """Whether whoever has been served shall leave: we stop, or others wait for a seat."""
        return self.stopped or self.capacity.wanted

    def stop(self) -> None:
        self.stopped = True
        self.stopping.set()

    def connections(self) -> list[Connection]:
        """A snapshot: who acts on connections makes them leave."""
        return [connection for entry in self.entries for connection in entry.connections]

    def sweep(self, now: float) -> None:
        """Look at everybody's patience, and at ours with them."""
        for connection in self.connections():
            connection.sweep(now)
        for entry in self.entries:
            for arrival in list(entry.arrivals):
                arrival.sweep(now)

    def make_room(self, wanted: int) -> None:
        """Close the connections that have been idle longest; nobody is in the middle of anything there."""
        idle = (connection for connection in self.connections() if connection.phase == Phase.IDLE)
        for connection in nsmallest(wanted, idle, key=lambda connection: connection.since):
            connection.abort()


@dataclass(slots=True, eq=False)
class Entry:
    """One listener as its connections see it."""

    name: str
    tls: bool
    port: int
    gate: Gate
    hosts: AskedMemo
    connections: set[Connection] = field(default_factory=set)
    arrivals: set[Arrival] = field(default_factory=set)
    """Who is still shaking hands."""
    lines: LineMemo = field(default_factory=LineMemo)

    def expect(self, table: RoutingTable) -> None:
        self.hosts.expect(len(table.routes.get(self.name, ())))
