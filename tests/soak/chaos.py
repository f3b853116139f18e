"""Chaos: unique requests of all kinds, clients that leave, apps that break off; every answer must be its own.

A mismatch is an answer, or content at the app, that belongs to another request or to none; it is never
explained.  A 5xx is explained by what the app was told to do, or it is a fault.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.soak import sum as sums
from tests.soak.app import CUT, EARLY, NONE, UNSAID, WHOLE, App
from tests.soak.site import APP, FLAKY, Site, trusting
from tests.soak.visitor import Answer, Door, Visitor

METHODS = ("GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
MEBIBYTE = 1 << 20
HOWS = (*WHOLE * 4, *EARLY, *NONE, *CUT)
LEAVES = 0.04  # of the requests: the client goes away in the middle of something


@dataclass
class Tally:
    requests: int = 0
    octets: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Answers that were nobody's, but that nothing explains."""
    began: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        took = time.monotonic() - self.began
        counts = ", ".join(f"{count:,} {name}" for name, count in sorted(self.outcomes.items()))
        return (
            f"{self.requests:,} requests in {took:.0f} s, {self.octets / MEBIBYTE:,.0f} MiB: {counts}; "
            f"{len(self.mismatches)} mismatches, {len(self.faults)} unexplained"
        )


@dataclass(frozen=True, slots=True)
class Asking:
    """One request: what is sent, and the seed of the one answer that is right."""

    method: str
    how: str
    size: int
    seed: str
    raw: bytes
    closes: bool


class Drawing:
    """Draws requests that differ from each other."""

    def __init__(self, rng: random.Random, name: str) -> None:
        self.rng = rng
        self._name = name
        self._number = 0

    def size(self) -> int:
        """Mostly small, up to 1 MiB."""
        draw = self.rng.random()
        if draw < 0.1:
            return 0
        return MEBIBYTE if draw > 0.998 else int(2 ** self.rng.uniform(0, 20 if draw > 0.9 else 14))

    def request(self, hows: Sequence[str], host: str, *, plain: bool = False) -> Asking:
        rng = self.rng
        self._number += 1
        identity = f"{self._name}-{self._number}"
        method = "GET" if plain else rng.choice(METHODS)
        how, size = rng.choice(hows), self.size()
        content = b""
        if not plain and (method in ("POST", "PUT", "PATCH") or rng.random() < 0.1):
            content = identity.encode() + rng.randbytes(self.size())
        target, content_sum = f"/{how}/{size}", sums.of(content)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"X-Id: {identity}", f"X-Sum: {content_sum}"]
        closes = not plain and rng.random() < 0.03
        if closes:
            lines.append("Connection: close")
        if rng.random() < 0.3:
            lines.append(
                rng.choice(("Accept: */*", "Cookie: a=" + "b" * rng.randrange(2000), "TE: trailers"))
            )
        body = content
        if content and rng.random() < 0.4:
            lines.append("Transfer-Encoding: chunked")
            body = self._chunks(content)
        elif content or method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(content)}")
        raw = "\r\n".join([*lines, "", ""]).encode() + body
        return Asking(method, how, size, sums.seed(method, target, identity, content_sum), raw, closes)

    def _chunks(self, content: bytes) -> bytes:
        step = self.rng.choice((1 + len(content) // 3, 4096, 65536))
        pieces = (content[at : at + step] for at in range(0, len(content), step))
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Guest:
    """One of many who ask at the same time, each on a connection of its own."""

    def __init__(self, doors: Sequence[Door], tally: Tally, seed: int, pause: float = 0.0) -> None:
        self._doors = doors
        self._tally = tally
        self._pause = pause
        self._drawing = Drawing(random.Random(seed), str(seed))
        self._rng = self._drawing.rng
        self._visitor: Visitor | None = None
        self._door = doors[0]

    async def visit(self, wanted: int) -> None:
        """Until all guests together have asked so often."""
        while self._tally.requests < wanted:
            if self._visitor is None:
                self._door = self._rng.choice(self._doors)
                self._visitor = await Visitor.at(self._door)
            draw = self._rng.random()
            if draw < LEAVES:
                await self._leave_halfway()
            elif draw < 0.08:
                await self._pipeline()
            else:
                await self._one()
            if self._pause:
                await asyncio.sleep(self._pause)
        self._go()

    def _go(self) -> None:
        if self._visitor:
            self._visitor.leave()
            self._visitor = None

    def _draw(self, plain: bool = False) -> Asking:
        self._tally.requests += 1
        flaky = self._door.host == FLAKY
        hows = WHOLE[:2] if plain else (*UNSAID, "length", "chunked") if flaky else HOWS
        return self._drawing.request(hows, self._door.host, plain=plain)

    async def _one(self) -> None:
        asking = self._draw()
        assert self._visitor
        if self._rng.random() < 0.1:  # in two pieces
            at = self._rng.randrange(len(asking.raw))
            self._visitor.writer.write(asking.raw[:at])
            await asyncio.sleep(0.001)
            answer = await self._visitor.ask(asking.raw[at:], asking.method)
        else:
            answer = await self._visitor.ask(asking.raw, asking.method)
        self._judge(asking, answer)
        if answer is None or not answer.keeps:
            self._go()

    async def _pipeline(self) -> None:
        several = [self._draw(plain=True) for _ in range(self._rng.randrange(2, 5))]
        assert self._visitor
        self._visitor.writer.write(b"".join(asking.raw for asking in several))
        for asking in several:
            answer = await self._visitor.answer(asking.method)
            self._judge(asking, answer)
            if answer is None or not answer.keeps:
                self._go()
                return

    async def _leave_halfway(self) -> None:
        asking = self._draw()
        assert self._visitor
        until = self._rng.randrange(1, len(asking.raw) + 1)
        self._visitor.writer.write(asking.raw[:until])
        if until == len(asking.raw):
            await self._visitor.reader.read(self._rng.randrange(1, 2000))
        elif self._rng.random() < 0.5:
            await asyncio.sleep(self._rng.random() * 0.02)
        self._tally.outcomes["left by the client"] += 1
        self._go()

    def _judge(self, asking: Asking, answer: Answer | None) -> None:
        outcome, right = judged(asking, answer, flaky=self._door.host == FLAKY)
        tally = self._tally
        tally.outcomes[outcome] += 1
        tally.octets += len(asking.raw) + len(answer.body if answer else b"")
        if not right:
            said = f"{outcome}: {asking.raw[:300]!r} -> {answer.status if answer else None}"
            (tally.mismatches if outcome == "mismatched" else tally.faults).append(said)


def judged(asking: Asking, answer: Answer | None, *, flaky: bool = False) -> tuple[str, bool]:
    """What became of a request, and whether that is right."""
    early = asking.how in EARLY
    if answer is None:
        return "cut without an answer", early
    if answer.status != 200:
        told = (502,) if asking.how in (*NONE, *CUT) or flaky else ()
        return f"answered {answer.status}", answer.status in told and "x-seed" not in answer.fields
    expected = b"" if asking.method == "HEAD" else sums.body(asking.seed, asking.size)
    if answer.fields.get("x-seed") != asking.seed or not expected.startswith(answer.body):
        return "mismatched", False
    if answer.whole and answer.body != expected:
        return "mismatched", False  # cut short, and passed off as whole
    if not answer.whole:
        return "cut in the middle", asking.how in CUT or early
    if asking.how in NONE:
        return "mismatched", False
    return "right", asking.how not in CUT or asking.method == "HEAD" or asking.size < 2


def doors(site: Site, context: ssl.SSLContext) -> list[Door]:
    """Plain and TLS, mostly to the app that can be relied on."""
    plain, secure = site.program.web, site.program.websecure
    return [
        *[Door(plain, APP)] * 4,
        *[Door(secure, APP, context)] * 2,
        Door(plain, FLAKY),
        Door(secure, FLAKY, context),
    ]


async def chaos(site: Site, apps: Sequence[App], requests: int, guests: int = 24, seed: int = 1) -> Tally:
    """`requests` in all, from so many guests at a time."""
    tally = Tally()
    ways = doors(site, trusting())
    async with asyncio.TaskGroup() as group:
        for number in range(guests):
            group.create_task(Guest(ways, tally, seed * 1000 + number).visit(requests))
    tally.mismatches += [each for app in apps for each in app.mismatches]
    return tally
