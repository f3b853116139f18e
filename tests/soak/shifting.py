"""Shifting: a site whose routes come and go, under everything that clients do, watched for what it keeps."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.soak import sum as sums
from tests.soak.app import App
from tests.soak.chaos import Guest, Tally, doors
from tests.soak.site import APP, Site, trusting
from tests.soak.slow import KINDS, Kind, Slow
from tests.soak.visitor import Door, Visitor
from tests.soak.watch import Held, held, slope

VOLATILE = tuple(f"v{number}.localhost" for number in range(12))
LARGE = 16 << 20
HANDSHAKE = (
    "GET /websocket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
GUESTS, SLOW, SOCKETS = 6, 40, 8
PAUSE = 0.02
"""Seconds between a guest's requests: it is time that is to pass here, not the greatest load."""
SETTLES = 90.0
"""Seconds in which everything that belongs to nobody must be gone: the longest limit is 75."""
SPARE = 3  # descriptors that may differ between two moments: a log turned over, a file being read
GROWTH = 8.0
"""MiB between the second and the last quarter: less is what an allocator does by itself."""


@dataclass
class Seen:
    """What was counted; `tally` are the ordinary requests."""

    tally: Tally = field(default_factory=Tally)
    changes: int = 0
    volatile: int = 0
    frames: int = 0
    large: int = 0
    slow: int = 0
    held: list[Held] = field(default_factory=list)
    start: Held | None = None
    end: Held | None = None

    def wrong(self) -> Iterator[str]:
        yield from self.tally.mismatches
        yield from self.tally.faults
        assert self.start
        assert self.end
        if self.end.connections:
            yield f"{self.end.connections} connections are left over"
        if (surplus := self.end.descriptors - self.own) > SPARE:
            yield f"{surplus} descriptors are left over"
        if self.growth > GROWTH:
            yield f"memory grew by {self.growth:.1f} MiB between the second and the last quarter"

    @property
    def own(self) -> int:
        """The descriptors that belong to nobody's connection."""
        assert self.start
        return self.start.descriptors - self.start.connections

    @property
    def growth(self) -> float:
        quarter = max(1, len(self.held) // 4)
        early, late = self.held[quarter : 2 * quarter], self.held[-quarter:]
        return statistics.median(each.mebibytes for each in late) - statistics.median(
            each.mebibytes for each in early or late
        )

    def lines(self) -> Iterator[str]:
        assert self.start
        assert self.end
        yield str(self.tally)
        yield (
            f"{self.changes:,} tables, {self.volatile:,} requests to what comes and goes, {self.frames:,} "
            f"messages over WebSockets, {self.large} bodies of {LARGE >> 20} MiB, {self.slow:,} slow clients"
        )
        later = self.held[len(self.held) // 4 :]
        most = max(each.mebibytes for each in self.held)
        yield (
            f"memory: {self.start.mebibytes:.1f} MiB at the start, {self.end.mebibytes:.1f} at the end, "
            f"at most {most:.1f}; slope of the last three quarters "
            f"{slope(later) * 60 / 1024:+.1f} MiB/h, second to last quarter {self.growth:+.1f} MiB"
        )
        yield (
            f"descriptors: {self.start.descriptors} at the start, {self.end.descriptors} at the end; "
            f"connections: {self.start.connections} and {self.end.connections}"
        )


async def shift(site: Site, apps: Sequence[App], hosts: Mapping[str, int], seconds: float) -> Seen:
    """`hosts` are always routed; all else is told by a seeded chance."""
    seen = Seen()
    context = trusting()
    ways = doors(site, context)
    port = hosts[APP]
    seen.start = held(site.pid)
    until = time.monotonic() + seconds
    rng = random.Random(seconds)
    tasks: list[Callable[[], Awaitable[None]]] = [
        lambda: routes(site, hosts, port, rng, seen),
        lambda: large(ways[0], seen),
        lambda: large(ways[4], seen),
    ]
    async with asyncio.TaskGroup() as group:
        guests = [Guest(ways, seen.tally, number, pause=PAUSE) for number in range(GUESTS)]
        standing = [group.create_task(guest.visit(1 << 60)) for guest in guests]
        standing += [group.create_task(forever(task)) for task in tasks]
        for number in range(SOCKETS):
            door = ways[number % 6]
            standing.append(group.create_task(forever(lambda door=door: websocket(door, rng, seen))))
        for number in range(SLOW):
            kind = KINDS[number % len(KINDS)]
            standing.append(group.create_task(forever(lambda kind=kind: slow(site, kind, rng, seen))))
        for host in VOLATILE[:4]:
            door = Door(site.program.web, host)
            standing.append(group.create_task(forever(lambda door=door: volatile(door, seen))))
        while time.monotonic() < until:
            await asyncio.sleep(min(2.0, seconds / 20))
            seen.held.append(held(site.pid))
        for task in standing:
            task.cancel()
    seen.tally.mismatches += [each for app in apps for each in app.mismatches]
    return seen


async def forever(what: Callable[[], Awaitable[None]]) -> None:
    while True:
        await what()


async def routes(site: Site, hosts: Mapping[str, int], port: int, rng: random.Random, seen: Seen) -> None:
    there = rng.sample(VOLATILE, rng.randrange(len(VOLATILE)))
    site.serve({**hosts, **dict.fromkeys(there, port)})
    seen.changes += 1
    await asyncio.sleep(rng.uniform(0.5, 1.5))


async def volatile(door: Door, seen: Seen) -> None:
    """A request to a host that may be there or not: its own answer, or that there is no such site."""
    visitor = await Visitor.at(door)
    for _ in range(20):
        seen.volatile += 1
        identity, target, nothing = f"{door.host}-{seen.volatile}", "/length/100", sums.of(b"")
        lines = f"GET {target} HTTP/1.1\r\nHost: {door.host}\r\nX-Id: {identity}\r\nX-Sum: {nothing}\r\n\r\n"
        answer = await visitor.ask(lines.encode(), "GET")
        if answer is None:
            break
        expected = sums.body(sums.seed("GET", target, identity, nothing), 100)
        if answer.status != 404 and (answer.status, answer.body) != (200, expected):
            seen.tally.faults.append(f"{identity}: {answer}")
        await asyncio.sleep(0.1)
    visitor.leave()


async def websocket(door: Door, rng: random.Random, seen: Seen) -> None:
    """Some messages there and back; sometimes with a long silence, sometimes cut short."""
    visitor = await Visitor.at(door)
    answer = await visitor.ask(HANDSHAKE.format(host=door.host).encode(), "GET")
    if answer is None or answer.status != 101:
        seen.tally.faults.append(f"a handshake of {door.host}: {answer}")
        visitor.leave()
        return
    for _ in range(rng.randrange(1, 30)):
        message = b"\x82\xfe\x00\x00" + rng.randbytes(rng.choice((10, 1000, 70_000)))
        visitor.writer.write(message)
        if rng.random() < 0.05:
            break  # leaves while it is on its way
        if await visitor.reader.readexactly(len(message)) != message:
            seen.tally.mismatches.append(f"a message of {door.host}")
        seen.frames += 1
        await asyncio.sleep(rng.choice((0.0, 0.05, 2.0)))
    visitor.leave()


async def large(door: Door, seen: Seen) -> None:
    """A large body up and one down on one connection."""
    visitor = await Visitor.at(door)
    content = bytes(LARGE)
    identity, target, content_sum = f"large-{seen.large}", f"/length/{LARGE}", sums.of(content)
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {door.host}\r\nX-Id: {identity}\r\nX-Sum: {content_sum}\r\n"
        f"Content-Length: {LARGE}\r\n\r\n"
    )
    answer = await visitor.ask(head.encode() + content, "POST")
    if answer is None or answer.body != sums.body(sums.seed("POST", target, identity, content_sum), LARGE):
        seen.tally.mismatches.append(f"{identity}: {answer and answer.status}")
    seen.large += 1
    visitor.leave()
    await asyncio.sleep(4)


async def slow(site: Site, kind: Kind, rng: random.Random, seen: Seen) -> None:
    """One that keeps us waiting, and often loses its own patience first."""
    seen.slow += 1
    try:
        async with asyncio.timeout(rng.choice((3.0, 15.0, 80.0))):
            await Slow(kind).stand(site, frozenset)
    except TimeoutError:
        pass


async def settle(site: Site, seen: Seen) -> None:
    """Wait until nothing is held for anybody, as long as the limits allow."""
    deadline = time.monotonic() + SETTLES
    while True:
        seen.end = held(site.pid)
        if not seen.end.connections and seen.end.descriptors <= seen.own + SPARE:
            return
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(0.5)
