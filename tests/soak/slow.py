"""Slow: a crowd of clients that keep a proxy waiting, each in its own way, while good ones ask."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from tests.soak import sum as sums
from tests.soak.site import APP, Site, trusting
from tests.soak.visitor import LOOPBACK, Door, Visitor
from tests.soak.watch import Held, held, peers_of

HEAD_LIMIT = 10.0
STALL_LIMIT = 60.0
"""Seconds; what docs and proxy/limits.py promise: a head or a handshake, and a side that stands still."""
MARGIN = 10.0
"""Seconds more for a machine that is busy with something else."""
NEVER = float("inf")
ARRIVALS = 100
"""Slow clients a second: this process has to make them all, and measures the good ones as well."""


HELLO = bytes.fromhex("16030100f8010000f40303") + bytes(40)
"""The beginning of a ClientHello."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`limit` is after how many seconds its connection has to be gone; NEVER for who makes progress."""

    name: str
    limit: float
    begins: bytes
    drips: bytes = b""
    tls_port: bool = False
    deaf: bool = False


NAMED = f" HTTP/1.1\r\nHost: {APP}\r\nX-Id: 0\r\nX-Sum: {sums.of(b'')}\r\n".encode()
POST = b"POST /length/0" + NAMED + b"Content-Length: 1000000\r\n\r\n"
LARGE = b"GET /length/8000000" + NAMED + b"\r\n"

KINDS = (
    Kind("silent", HEAD_LIMIT, b""),
    Kind("a head that stops", HEAD_LIMIT, b"GET / HTTP/1.1\r\nHost: ap"),
    Kind("a head that drips", HEAD_LIMIT, b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
    Kind("no handshake", HEAD_LIMIT, b"", tls_port=True),
    Kind("half a handshake", HEAD_LIMIT, HELLO, tls_port=True),
    Kind("content that stops", STALL_LIMIT, POST + b"x"),
    Kind("content that drips", NEVER, POST, b"x"),
    Kind("reads nothing", STALL_LIMIT, LARGE, deaf=True),
)


Peers = Callable[[], Collection[int]]


@dataclass
class Slow:
    """One of them; `ended` is how many seconds its connection stood, None while it does."""

    kind: Kind
    ended: float | None = None

    async def stand(self, site: Site, peers: Peers, after: float = 0.0) -> None:
        """`peers` are the ports of those who have a connection, as the kernel lists them now."""
        await asyncio.sleep(after)
        began = time.monotonic()
        sock = socket.socket()
        if self.kind.deaf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        port = site.program.websecure if self.kind.tls_port else site.program.web
        try:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, (LOOPBACK, port))
            if self.kind.begins:
                await loop.sock_sendall(sock, self.kind.begins)
            if self.kind.deaf:
                await self._until_dropped(sock.getsockname()[1], peers)
            else:
                await self._until_cut(loop, sock)
        except ConnectionError:
            pass  # cut: a reset says so as well as an end
        finally:
            sock.close()
        self.ended = time.monotonic() - began  # not reached by who was told to go

    async def _until_cut(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    if not await loop.sock_recv(sock, 4096):
                        return
            if self.kind.drips:
                await loop.sock_sendall(sock, self.kind.drips)

    @staticmethod
    async def _until_dropped(port: int, peers: Peers) -> None:
        """Who reads nothing is not told: an end would stand behind all that was not read."""
        while port not in peers():
            await asyncio.sleep(0.1)
        while port in peers():
            await asyncio.sleep(0.5)


@dataclass
class Report:
    slow: list[Slow]
    latencies: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    before: Held | None = None
    most: Held | None = None

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return 1000 * sorted(self.latencies)[int(len(self.latencies) * 0.99)]

    @property
    def growth(self) -> float:
        """MiB."""
        assert self.before
        assert self.most
        return self.most.mebibytes - self.before.mebibytes

    @property
    def late(self) -> list[str]:
        """Who was not cut within the limit."""
        return [f"{each.kind.name}: {each.ended}" for each in self.slow if self._is_late(each)]

    @property
    def hasty(self) -> list[str]:
        """Who was cut although there was progress, or long before the limit."""
        return [
            f"{each.kind.name}: {each.ended}"
            for each in self.slow
            if each.ended is not None and each.ended < min(each.kind.limit, STALL_LIMIT) * 0.9
        ]

    @staticmethod
    def _is_late(each: Slow) -> bool:
        return each.kind.limit != NEVER and (each.ended is None or each.ended > each.kind.limit + MARGIN)

    def lines(self) -> Iterator[str]:
        asked = f"{len(self.latencies):,} good requests beside {len(self.slow):,} slow clients"
        yield f"{asked}: p99 {self.p99:.1f} ms"
        yield f"memory: {self.growth:+.1f} MiB, {len(self.wrong)} good requests not answered rightly"
        for kind in KINDS:
            ends = [each.ended for each in self.slow if each.kind is kind]
            cut = [end for end in ends if end is not None]
            times = f", after {min(cut):.1f} to {max(cut):.1f} s" if cut else ""
            yield f"  {kind.name}: {len(cut)} of {len(ends)} cut{times}"


async def good(report: Report, door: Door, stop: asyncio.Event, number: int) -> None:
    """One client as they should be, on a kept connection that is new after some requests."""
    visitor, asked = None, 0
    while not stop.is_set():
        asked += 1
        identity, target, nothing = f"good-{number}-{asked}", "/length/1000", sums.of(b"")
        lines = f"GET {target} HTTP/1.1\r\nHost: {door.host}\r\nX-Id: {identity}\r\nX-Sum: {nothing}\r\n\r\n"
        began = time.monotonic()
        visitor = visitor or await Visitor.at(door)
        answer = await visitor.ask(lines.encode(), "GET")
        report.latencies.append(time.monotonic() - began)
        if answer is None or answer.body != sums.body(sums.seed("GET", target, identity, nothing), 1000):
            report.wrong.append(f"{identity}: {answer}")
        if answer is None or asked % 50 == 0:
            visitor.leave()
            visitor = None
        await asyncio.sleep(0.02)
    if visitor:
        visitor.leave()


async def crowd(
    site: Site, clients: int, seconds: float, kinds: Sequence[Kind] = KINDS, good_clients: int = 4
) -> Report:
    """So many slow ones of these kinds, for so long, beside good ones."""
    context = trusting()
    doors = [Door(site.program.web, APP), Door(site.program.websecure, APP, context)]
    report = Report([Slow(kinds[number % len(kinds)]) for number in range(clients)])
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as visitors:
        for number in range(good_clients):
            visitors.create_task(good(report, doors[number % 2], stop, number))
        await asyncio.sleep(1)  # what it needs for good requests is not the slow ones' doing
        report.latencies.clear()
        report.before = report.most = held(site.pid)
        peers: set[int] = set()
        standing = [
            visitors.create_task(each.stand(site, lambda: peers, number / ARRIVALS))
            for number, each in enumerate(report.slow)
        ]
        until = time.monotonic() + seconds + clients / ARRIVALS
        while time.monotonic() < until:
            await asyncio.sleep(0.5)
            report.most = max(report.most, held(site.pid), key=lambda seen: seen.rss)
            peers = peers_of(site.program.web)
        stop.set()
        for task in standing:
            task.cancel()
    return report
