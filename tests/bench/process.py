"""Process: a program on one core, what its whole tree costs, and its certain end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROXY_CORE = 0
LOAD_CORE = 1  # the load generator, the backend and the bench itself
CPUCLOCK_SCHED = 2  # linux/posix-timers.h: a process's CPU clock, threads that ended included


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes: what the tree adds to the machine (PSS), and what it has resident (RSS)."""

    pss: float
    rss: float


@dataclass(frozen=True, slots=True)
class Running:
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in tree(self.pid))

    def memory(self) -> Memory:
        return memory(self.pid)

    def last_words(self) -> str:
        """The last line it wrote, for the reason beside a dash."""
        lines = self.log.read_text(errors="replace").split("\n")
        return next((line.strip()[-200:] for line in reversed(lines) if line.strip()), "no output")

    def stop(self, within: float = 5.0) -> None:
        """End the whole group: it was started as a session of its own."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, how)
            except ProcessLookupError:
                break
            deadline = time.monotonic() + within
            while self.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
        self.process.wait(within)


@contextmanager
def running(
    command: Sequence[str],
    core: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Running]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    pinned = ["taskset", "-c", str(core), *command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            pinned,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=inherited | dict(environment or {}),
            cwd=cwd or log.parent,
            start_new_session=True,  # Ctrl-C reaches the bench alone, which then ends each group in order
        )
    started = Running(process, log)
    try:
        yield started
    finally:
        started.stop()


def tree(pid: int) -> list[int]:
    """The process and its descendants; a child belongs to the thread that made it."""
    children = [
        int(child)
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]
    return [pid, *(below for child in children for below in tree(child))]


def cpu_seconds(pid: int) -> float:
    """From the scheduler's nanoseconds, as in schedstat; the ticks of /proc/PID/stat are 10 ms."""
    return time.clock_gettime_ns((~pid << 3) | CPUCLOCK_SCHED) / 1e9


def memory(pid: int) -> Memory:
    """PSS and RSS of a process and its descendants."""
    pss = rss = 0.0
    for member in tree(pid):
        lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.endswith("kB")}
        pss, rss = pss + sizes["Pss"], rss + sizes["Rss"]
    return Memory(pss, rss)
