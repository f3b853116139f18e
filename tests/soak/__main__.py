"""`make soak`: chaos, slow clients and a site that changes, over both lanes; exit status 1 on a fault.

The parts are `chaos` (100,000 requests), `slow` (1,000 clients, over a minute) and `shift` (MINUTES=10).
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.soak.app import apps
from tests.soak.chaos import chaos
from tests.soak.shifting import settle, shift
from tests.soak.site import APP, FLAKY, Site, serving
from tests.soak.slow import STALL_LIMIT, crowd
from tests.soak.watch import held

PARTS = ("chaos", "slow", "shift")
SHOWN = 12  # of what is wrong in one part
GOOD_P99 = 50.0  # milliseconds
GOOD_GROWTH = 30.0  # MiB


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--lanes", default="fast,aiohttp")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=1000)
    chosen = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wrong = []
    for lane in chosen.lanes.split(","):
        for part in chosen.parts.split(","):
            say(f"{part}, {lane} lane:")
            found = list(asyncio.run(play(part, lane == "fast", chosen)))
            for each in found[:SHOWN]:
                say(f"  WRONG: {each[:500]}")
            wrong += found
    say(f"{len(wrong)} things are wrong" if wrong else "nothing is wrong")
    return 1 if wrong else 0


def say(line: str) -> None:
    print(line, flush=True)


async def play(part: str, lane: bool, chosen: argparse.Namespace) -> list[str]:
    """What is wrong after one part over one lane."""
    async with apps(APP, FLAKY) as (both, ports):
        with place() as folder, serving(folder, ports, lane) as site:
            if part == "chaos":
                tally = await chaos(site, both, chosen.requests)
                say(f"  {tally}")
                found = [*tally.mismatches, *tally.faults]
            elif part == "slow":
                found = await slow(site, chosen.clients)
            else:
                await crowd(site, 0, 1)
                seen = await shift(site, both, ports, chosen.minutes * 60)
                for app in both:
                    await app.stop()
                await settle(site, seen)
                for line in seen.lines():
                    say(f"  {line}")
                found = list(seen.wrong())
            return [*found, *complaints(site)]


async def slow(site: Site, clients: int) -> list[str]:
    await crowd(site, 0, 1)
    alone = await crowd(site, 0, 5)
    report = await crowd(site, clients, STALL_LIMIT + 5)
    say(f"  good requests alone: p99 {alone.p99:.1f} ms")
    for line in report.lines():
        say(f"  {line}")
    say(f"  {held(site.pid).mebibytes:.1f} MiB resident afterwards")
    if report.p99 > GOOD_P99 or report.growth > GOOD_GROWTH:
        say(f"  (the aims are {GOOD_P99:.0f} ms and {GOOD_GROWTH:.0f} MiB)")
    return [*report.late, *report.hasty, *report.wrong]


def complaints(site: Site) -> Iterator[str]:
    """What it wrote of itself; only warnings and worse are in its log."""
    for line in site.program.log.splitlines():
        if "Traceback" in line or '"level": "error"' in line:
            yield line


@contextmanager
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tidegate-soak-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())
