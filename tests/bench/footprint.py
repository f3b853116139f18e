"""Footprint: what the running program costs in memory beside a real engine, and each of its parts at start.

Memory is the proportional set size (what the process adds to the machine) and
the resident set size of the whole process tree, a few seconds after start,
with 20 routed containers on the engine, their certificates on disk.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.process import memory
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


def import_cost(arguments: tuple[str, ...]) -> float:
    """Milliseconds from start to end of a Python that does only this; the best of five."""
    runs = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
        runs.append((time.perf_counter() - started) * 1000)
    return min(runs)


def with_an_engine() -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder,
        running_engine(Path(folder, "engine")) as url,
    ):
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
                    size = memory(tidegate.process.pid)
                    sizes = f"{size.pss:.1f} MB PSS | {size.rss:.1f} MB RSS"
                    yield f"| idle with {ROUTES} routes, {note} | {sizes} |"


def footprint() -> Iterator[str]:
    """Lines of Markdown."""
    yield "## Tidegate's own footprint\n\n| what | | |\n|---|---|---|"
    try:
        yield from with_an_engine()
    except Exception as error:  # whatever becomes of the engine, the page around this is kept
        reason = str(error).strip().splitlines() or [type(error).__name__]
        yield f"| idle with {ROUTES} routes: {reason[-1]} | – | – |"
    for name, arguments in IMPORTS.items():
        yield f"| start to end of {name} | {import_cost(arguments):.0f} ms | |"
