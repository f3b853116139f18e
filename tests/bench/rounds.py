"""Rounds: every workload against every peer in turn, so that a noisy minute touches all of them alike."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby

from tests.bench.backend import GB
from tests.bench.chore import Chore
from tests.bench.load import Sample, play
from tests.bench.peers import Peer
from tests.bench.plan import Plan, say
from tests.bench.process import Memory, Running
from tests.bench.row import Absent, Cell, Measured, Row, Section
from tests.bench.site import Site
from tests.bench.workload import Workload

TOLERATED = 0.001  # the share of failed requests above which a figure is not one

PER_CPU_SECOND = Section("Requests or messages per CPU-second", more_is_better=True)
CPU_PER_GB = Section("CPU-seconds per GB", more_is_better=False, note="Downloads; a GB is 10^9 bytes.")
LATENCY = Section("Latency, microseconds", more_is_better=False)
MEMORY = Section(
    "Memory of the whole process tree, MB",
    more_is_better=False,
    note="RSS counts a shared page once for every process, PSS splits it among all who have it, be it the "
    "backend or the bench: the truth lies between.",
)

FAILURES = (RuntimeError, AssertionError, OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Stage:
    """The peers that serve, and why the others do not."""

    up: dict[str, tuple[Site, Running]] = field(default_factory=dict)
    down: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rounds of one workload gave: samples by peer, or a reason."""

    samples: dict[str, list[Sample]]
    reasons: dict[str, str]

    def cells(self, figure: Callable[[Sample], float]) -> dict[str, Cell]:
        measured: dict[str, Cell] = {
            name: Measured.of([figure(sample) for sample in samples])
            for name, samples in self.samples.items()
        }
        return measured | {name: Absent(reason) for name, reason in self.reasons.items()}


def measure(workloads: Sequence[Workload], plan: Plan) -> Iterator[Row]:
    """Workloads with equally many routes share one set of peers, all of them running at once."""
    for routes, group in groupby(workloads, key=lambda workload: workload.routes):
        highest: dict[str, Memory] = {}
        with ExitStack() as stack:
            stage = raise_stage(stack, plan, routes)
            for workload in group:
                outcome = alternate(workload, stage, plan)
                for name, samples in outcome.samples.items():
                    memories = (sample.memory for sample in samples)
                    highest[name] = max(*memories, highest.get(name, Memory(0, 0)), key=lambda size: size.rss)
                yield from rows_of(workload, outcome)
        title = f"highest under load, {f'{routes:,} routes, ' if routes > 1 else ''}"
        yield Row(MEMORY, f"{title}PSS", {name: Measured(size.pss) for name, size in highest.items()})
        yield Row(MEMORY, f"{title}RSS", {name: Measured(size.rss) for name, size in highest.items()})


def raise_stage(stack: ExitStack, plan: Plan, routes: int) -> Stage:
    stage = Stage()
    for peer in plan.peers:
        try:
            stage.up[peer.name] = raise_peer(stack, peer, plan, routes)
        except FAILURES as error:
            stage.down[peer.name] = str(error)
            say(f"{peer.name}: {error}")
    return stage


def raise_peer(stack: ExitStack, peer: Peer, plan: Plan, routes: int) -> tuple[Site, Running]:
    if reason := peer.absence:
        raise RuntimeError(reason)
    site = plan.site(peer, routes)
    return site, stack.enter_context(peer.serving(site))


def alternate(workload: Workload, stage: Stage, plan: Plan) -> Outcome:
    samples: dict[str, list[Sample]] = {}
    reasons = dict(stage.down)
    for number in range(plan.rounds):
        for name, (site, proxy) in stage.up.items():
            if name in reasons:
                continue
            try:
                if not number:
                    check(workload, site, name)
                sample = play(workload, site, proxy, plan.seconds)
                refuse_errors(sample)
            except FAILURES as error:
                reasons[name] = str(error)
                samples.pop(name, None)
                say(f"{workload.name}, {name}: {error}")
            else:
                samples.setdefault(name, []).append(sample)
                say(f"{workload.name} {number + 1}/{plan.rounds}, {name}: {sample}")
    return Outcome(samples, reasons)


def check(workload: Workload, site: Site, peer: str) -> None:
    """One request in advance: its answer must be the backend's, whole."""
    if workload.unit == "messages":
        return  # the player checks each handshake itself
    if workload.chore:
        check_chore(workload.chore, site, peer)
        return
    status, length = site.ask(tls=workload.tls, path=workload.path)
    if (status, length) != (200, workload.size):
        raise RuntimeError(f"answered {status} with {length} bytes instead of 200 with {workload.size}")


def check_chore(chore: Chore, site: Site, peer: str) -> None:
    if missing := chore.missing_in(peer):
        raise RuntimeError(missing)
    status, fields = site.does(chore)
    if status != 200 or (chore.sign and chore.sign.lower() not in map(str.lower, fields)):
        raise RuntimeError(f"answered {status} without {chore.sign or 'doing it'}: {fields}")


def refuse_errors(sample: Sample) -> None:
    seen = sample.seen
    if not seen.bytes and not seen.answers:
        raise RuntimeError("no answer came")
    if seen.errors > TOLERATED * max(seen.answers, 1):
        raise RuntimeError(f"{seen.errors} errors beside {seen.answers} answers")


def rows_of(workload: Workload, outcome: Outcome) -> Iterator[Row]:
    if workload.unit == "gigabytes":
        cells = outcome.cells(lambda sample: sample.cpu_seconds / (sample.seen.bytes / GB))
        yield Row(CPU_PER_GB, workload.title, cells)
    else:
        cells = outcome.cells(lambda sample: sample.seen.answers / sample.cpu_seconds)
        yield Row(PER_CPU_SECOND, workload.title, cells)
    if workload.latency:
        yield Row(LATENCY, f"{workload.title}: median", outcome.cells(lambda sample: sample.seen.p50))
        yield Row(LATENCY, f"{workload.title}: 99 of 100", outcome.cells(lambda sample: sample.seen.p99))
