"""Entrypoint: the listeners, what they serve, and how they stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from proxy.access_log import Tally
from proxy.aiohttp_later import AiohttpLater
from proxy.balancer import Balancer
from proxy.capacity import Capacity, connection_cap, open_files_limit
from proxy.door import Door
from proxy.explainer import Explainer
from proxy.gate import Gate
from proxy.headers import TrustedProxies
from proxy.lane import FastLane
from proxy.limits import Limits
from proxy.listening import Bound, Listener, bind_all
from proxy.table import RoutingTable
from proxy.tls import SNI
from proxy.upstream import Pool


class Entrypoints:
    """All listeners.  Assigning `table` swaps what they serve; requests in flight keep their route."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        *,
        pool: Pool,
        balancer: Balancer,
        sni: SNI,
        answers: Callable[[str], bytes | None],
        log: Callable[[Tally], None],
        trusted: TrustedProxies | None = None,
        limits: Limits | None = None,
        table: RoutingTable | None = None,
        fast_lane: bool = True,
        explainer: Explainer | None = None,
    ) -> None:
        self._listeners = listeners
        self._sni = sni
        self._limits = limits or Limits()
        self._lane = AiohttpLater(pool, balancer, self._limits, explainer)
        if not fast_lane:
            self._lane.load_aside()
        self._gate = Gate(
            table=table or RoutingTable(),
            trusted=trusted or TrustedProxies(),
            limits=self._limits,
            answers=answers,
            log=log,
            lane=self._lane,
            explainer=explainer,
            fast=FastLane(pool, balancer) if fast_lane else None,
            capacity=Capacity(self._limits.connections or connection_cap(open_files_limit())),
        )
        self._doors: list[tuple[str, Door]] = []
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def table(self) -> RoutingTable:
        return self._gate.table

    @table.setter
    def table(self, table: RoutingTable) -> None:
        self._gate.serve(table)
        self._lane.prepare(table)

    @property
    def addresses(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """Where each entrypoint really listens, by its name."""
        names = dict.fromkeys(name for name, _ in self._doors)
        return {name: tuple(door.address for other, door in self._doors if other == name) for name in names}

    @property
    def connections(self) -> int:
        return self._gate.capacity.taken

    async def open(self, bound: Sequence[Bound] | None = None) -> None:
        """Listen everywhere, or nowhere when one address cannot be had (CannotListen).

        `bound` are the listeners' sockets where somebody else has bound them.
        """
        bound = bind_all(self._listeners)[0] if bound is None else bound
        for listener, sock in bound:
            entry = self._gate.add_entry(listener.name, listener.tls, sock.getsockname()[1])
            door = Door(sock, entry, self._sni)
            self._doors.append((listener.name, door))
            door.open()
        self._sweep()

    async def stop(self, grace: float = 7.0) -> None:
        """Accept nobody any more, let what is in flight end, and end it by force when the grace is over.

        The grace leaves a second of the eight in which a stop must be done;
        Docker kills after ten.
        """
        self._gate.stop()
        for _, door in self._doors:
            door.close()
        for connection in self._gate.connections():
            connection.wind_down()
        try:
            async with asyncio.timeout(grace):
                await self._gate.capacity.emptied()
        except TimeoutError:
            for connection in self._gate.connections():
                connection.abort()
            await asyncio.sleep(0)  # the loop tells their ends when it comes round
        await self._lane.close()
        if self._sweeper:
            self._sweeper.cancel()

    def _sweep(self) -> None:
        """Look at every connection's patience: one timer for all, none per request."""
        loop = asyncio.get_running_loop()
        self._sweeper = loop.call_later(self._limits.sweep, self._sweep)
        self._gate.sweep(loop.time())
