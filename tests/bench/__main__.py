"""`make bench`: what the running program costs in memory and at start.

Memory is the proportional set size (what the process adds to the machine) and
the resident set size of the whole process tree, a few seconds after start,
with 20 routed containers on a real engine, their certificates on disk.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.engine import running_engine
from tests.integration.crowd import Crowd
from tests.program import Program, eventually

ROUTES = 20
SETTLED = 5.0  # seconds after start at which memory is read
IMPORTS = {
    "tidegate --help": ("-m", "tidegate", "--help"),
    "tidegate version": ("-m", "tidegate", "version"),
    "the command line alone": ("-c", "import tidegate.cli"),
    "the proxy": ("-c", "import proxy.entrypoint"),
    "the Docker client": ("-c", "import docker"),
    "the ACME client": ("-c", "import acme.client"),
}


def memory(pid: int) -> tuple[float, float]:
    """PSS and RSS of a process and its descendants, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.endswith("kB")}
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    below = [memory(int(child)) for child in children]
    return sizes["Pss"] + sum(pss for pss, _ in below), sizes["Rss"] + sum(rss for _, rss in below)


def import_cost(arguments: tuple[str, ...]) -> float:
    """Milliseconds from start to end of a Python that does only this; the best of five."""
    runs = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
        runs.append((time.perf_counter() - started) * 1000)
    return min(runs)


def bench_memory() -> None:
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder, running_engine() as url:
        data = Path(folder, "data")
        with Crowd(url) as crowd:
            for number in range(ROUTES):
                crowd.start(f"site{number}", {"tidegate.host": f"site{number}.localhost"})
            flags = ("--docker", url, "--acme-ca", "off")
            for note in ("first start, certificates made", "second start, certificates loaded"):
                with Program(data, *flags) as tidegate:
                    eventually(lambda: len(tidegate.api("routes")) >= ROUTES, within=60)
                    time.sleep(SETTLED)
                    assert tidegate.process is not None
                    pss, rss = memory(tidegate.process.pid)
                    print(f"| idle with {ROUTES} routes, {note} | {pss:.1f} MB PSS | {rss:.1f} MB RSS |")


def main() -> None:
    print("| what | | |\n|---|---|---|")
    bench_memory()
    for name, arguments in IMPORTS.items():
        print(f"| start to end of {name} | {import_cost(arguments):.0f} ms | |")


if __name__ == "__main__":
    main()
