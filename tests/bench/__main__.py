"""`make bench`: Tidegate beside its peers on this machine.

The whole run also writes docs/benchmarks.md; a run of chosen rows, as in
`make bench ROWS=few,tls ROUNDS=2 SECONDS=2`, only prints.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.arrival import arrival
from tests.bench.backend import backend
from tests.bench.idle import allow_files, idle
from tests.bench.machine import METHOD, machine
from tests.bench.peers import PEERS
from tests.bench.plan import Plan, say
from tests.bench.process import LOAD_CORE, PROXY_CORE
from tests.bench.report import report, spread
from tests.bench.rounds import measure
from tests.bench.row import Row
from tests.bench.site import make_certificate
from tests.bench.workload import WORKLOADS
from tests.program import ROOT

PARTS = {"idle": idle, "arrival": arrival}
FOOTPRINT = "footprint"
SWAP = "swap"
NAMES = (*(workload.name for workload in WORKLOADS), *PARTS, SWAP, FOOTPRINT)
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    chosen = arguments()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("bench: two cores are needed, one for the proxy and one for the load.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that everything started is stopped
    os.sched_setaffinity(0, {LOAD_CORE})
    allow_files()
    rows: list[Row] = []
    interrupted = False
    try:
        rows.extend(measured(chosen))
    except KeyboardInterrupt:
        say("interrupted; this is what was measured:")
        interrupted, chosen.whole = True, False
        chosen.rows = []
    lines = list(page(rows, chosen))
    print("\n".join(lines))
    if chosen.whole:
        PAGE.write_text("\n".join(lines) + "\n")
        say(f"written to {PAGE.relative_to(ROOT)}")
    if interrupted:
        raise SystemExit(130)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", help=f"separated by commas, of: {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--date", default="", help="today, in UTC")
    chosen = parser.parse_args()
    chosen.whole = not (chosen.rows or chosen.rounds or chosen.seconds)
    chosen.rounds, chosen.seconds = chosen.rounds or 3, chosen.seconds or 3.0
    chosen.rows = chosen.rows.split(",") if chosen.rows else list(NAMES)
    if unknown := set(chosen.rows) - set(NAMES):
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    return chosen


def measured(chosen: argparse.Namespace) -> Iterator[Row]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-bench-")))
        make_certificate(folder)
        plan = Plan(PEERS, stack.enter_context(backend(folder)), folder, chosen.rounds, chosen.seconds)
        yield from measure([workload for workload in WORKLOADS if workload.name in chosen.rows], plan)
        for name, part in PARTS.items():
            if name in chosen.rows:
                yield from part(plan)


def page(rows: Sequence[Row], chosen: argparse.Namespace) -> Iterator[str]:
    """The whole page, or the part of it that was asked for."""
    yield f"# Benchmarks\n\n{METHOD}\n"
    day = f"on {chosen.date} " if chosen.date else ""
    yield f"Taken {day}in rounds of {chosen.seconds:g} s, {chosen.rounds} of them. {spread(rows)}\n"
    yield from machine(PEERS)
    yield ""
    yield from report(rows, [peer.name for peer in PEERS], [peer.name for peer in PEERS if peer.ours])
    if SWAP in chosen.rows:
        from tests.bench.swap import swap  # the whole program comes with it

        yield from swap()
        yield ""
    if FOOTPRINT in chosen.rows:
        # Only here, since it brings the Docker client and an engine with it.
        from tests.bench.footprint import footprint

        os.sched_setaffinity(0, {PROXY_CORE, LOAD_CORE})
        yield from footprint()


if __name__ == "__main__":
    main()
