"""Load: one workload played against one site for some seconds, and what the player saw."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.process import LOAD_CORE, Memory, Running
from tests.bench.site import CHAT_HOST, Site
from tests.bench.workload import Workload
from tests.program import ROOT

LAST = 0.3  # seconds before the end at which memory is read: the load is still on

# wrk's own report rounds the bytes; this one is exact.
REPORT = """
done = function(summary, latency)
    local e = summary.errors
    io.write(string.format('{"answers": %d, "bytes": %d, "p50": %d, "p99": %d, "errors": %d}\\n',
        summary.requests, summary.bytes, latency:percentile(50), latency:percentile(99),
        e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the load generator counted."""

    answers: int
    bytes: int
    p50: float  # microseconds
    p99: float
    errors: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one peer: what was served and what that took."""

    seen: Seen
    cpu_seconds: float
    memory: Memory

    def __str__(self) -> str:
        seen = self.seen
        served = f"{seen.answers} answers, {seen.bytes / 1e6:.0f} MB, {seen.errors} errors"
        return f"{served} in {self.cpu_seconds:.2f} CPU-s"


def play(workload: Workload, site: Site, proxy: Running, seconds: float) -> Sample:
    command = COMMANDS[workload.unit](workload, site, seconds)
    before = proxy.cpu_seconds()
    player = subprocess.Popen(
        ["taskset", "-c", str(LOAD_CORE), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    try:
        time.sleep(max(0.0, seconds - LAST))
        memory = proxy.memory()
        said, _ = player.communicate(timeout=seconds + 60)
    finally:
        player.kill()
        player.wait()
    return Sample(read_report(said), proxy.cpu_seconds() - before, memory)


def read_report(said: str) -> Seen:
    for line in said.splitlines():
        if line.startswith("{"):
            return Seen(**json.loads(line))
    raise RuntimeError(said.strip().splitlines()[-1] if said.strip() else "the load generator said nothing")


def wrk(workload: Workload, site: Site, seconds: float) -> list[str]:
    return [
        *("wrk", "-t1", f"-c{workload.connections}", f"-d{seconds:g}s", "--timeout", "30s"),
        *("-s", site.write(f"{workload.name}.lua", lua(workload))),
        site.url(tls=workload.tls, path=workload.path),
    ]


def lua(workload: Workload) -> str:
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in workload.headers.items()]
    if workload.body:
        lines += ['wrk.method = "POST"', f'wrk.body = string.rep("x", {workload.body})']
    return "\n".join([*lines, workload.script, REPORT])


def talk(workload: Workload, site: Site, seconds: float) -> list[str]:
    crowd = (str(site.web), CHAT_HOST, str(workload.connections), f"{seconds:g}")
    return [sys.executable, "-m", "tests.bench.websocket", "talk", *crowd]


COMMANDS: dict[str, Callable[[Workload, Site, float], list[str]]] = {
    "requests": wrk,
    "gigabytes": wrk,
    "messages": talk,
}
