"""Entrypoint: the listeners, what they serve, and how they stop."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from proxy.access_log import AccessRecord
from proxy.aiohttp_later import AiohttpLater
from proxy.balancer import Balancer
from proxy.capacity import Capacity, connection_cap, open_files_limit
from proxy.door import Door
from proxy.gate import Gate
from proxy.headers import TrustedProxies
from proxy.lane import FastLane
from proxy.limits import Limits
from proxy.table import RoutingTable
from proxy.tls import SNI
from proxy.upstream import Pool

BACKLOG = 1024
EVERYWHERE = ["0.0.0.0", "::"]  # noqa: S104  an entrypoint is for everybody unless it says otherwise
NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


@dataclass(frozen=True, slots=True)
class Listener:
    """Where an entrypoint listens.  `host` empty means every address of the machine, IPv4 and IPv6."""

    name: str
    host: str
    port: int
    tls: bool = False


class CannotListen(OSError):
    """An address cannot be had; `entrypoint` is the one whose setting asks for it."""

    def __init__(self, entrypoint: str, number: int | None, message: str) -> None:
        super().__init__(number, message)
        self.entrypoint = entrypoint


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
        log: Callable[[AccessRecord], None],
        trusted: TrustedProxies | None = None,
        limits: Limits | None = None,
        table: RoutingTable | None = None,
        fast_lane: bool = True,
    ) -> None:
        self._listeners = listeners
        self._sni = sni
        self._limits = limits or Limits()
        self._lane = AiohttpLater(pool, balancer, self._limits)
        if not fast_lane:
            self._lane.load_aside()
        self._gate = Gate(
            table=table or RoutingTable(),
            trusted=trusted or TrustedProxies(),
            limits=self._limits,
            answers=answers,
            log=log,
            lane=self._lane,
            fast=FastLane(pool, balancer) if fast_lane else None,
            capacity=Capacity(self._limits.connections or connection_cap(open_files_limit())),
        )
        self._doors: list[tuple[str, Door]] = []
        self._running = AsyncExitStack()
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def table(self) -> RoutingTable:
        return self._gate.table

    @table.setter
    def table(self, table: RoutingTable) -> None:
        self._gate.table = table
        self._lane.prepare(table)

    @property
    def addresses(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """Where each entrypoint really listens, by its name."""
        names = dict.fromkeys(name for name, _ in self._doors)
        return {name: tuple(door.address for other, door in self._doors if other == name) for name in names}

    @property
    def connections(self) -> int:
        return self._gate.capacity.taken

    async def open(self) -> None:
        """Listen everywhere, or nowhere when one address cannot be had."""
        bound = _bind_all(self._listeners)
        tasks = await self._running.enter_async_context(asyncio.TaskGroup())
        for listener, sock in bound:
            entry = self._gate.add_entry(listener.name, listener.tls, sock.getsockname()[1])
            door = Door(sock, entry, self._sni.server_context() if listener.tls else None)
            self._doors.append((listener.name, door))
            door.open(tasks)
        self._sweep()

    async def stop(self, grace: float = 7.0) -> None:
        """Accept nobody any more, let what is in flight end, and end it by force when the grace is over.

        The grace leaves a second of the eight in which a stop must be done;
        Docker kills after ten.
        """
        self._gate.stopping.set()
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
        await self._running.aclose()

    def _sweep(self) -> None:
        """Look at every connection's patience: one timer for all, none per request."""
        loop = asyncio.get_running_loop()
        self._sweeper = loop.call_later(self._limits.sweep, self._sweep)
        now = loop.time()
        for connection in self._gate.connections():
            connection.sweep(now)


def _bind_all(listeners: Sequence[Listener]) -> list[tuple[Listener, socket.socket]]:
    bound: list[tuple[Listener, socket.socket]] = []
    try:
        for listener in listeners:
            bound += [(listener, sock) for sock in _bind(listener)]
    except CannotListen:
        for _, sock in bound:
            sock.close()
        raise
    return bound


def _bind(listener: Listener) -> Iterator[socket.socket]:
    """One socket per family.  A machine without IPv6 is no reason not to start."""
    port = listener.port
    for host in [listener.host] if listener.host else EVERYWHERE:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            if not listener.host and family == socket.AF_INET6 and error.errno in NO_IPV6:
                return
            where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            # create_server adds to the reason, in Python's words, what is said before it here.
            why = str(error.strerror).partition(" (while attempting")[0]
            message = f"Entrypoint {listener.name!r} cannot listen on {where}: {why}."
            raise CannotListen(listener.name, error.errno, message) from error
        port = sock.getsockname()[1]
        yield sock
