"""A running Tidegate as its user would start it: a process with flags, a data directory and a log."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from random import randrange
from typing import Any

LOOPBACK = "127.0.0.1"
ROOT = Path(__file__).parents[1]


PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS = 4000
"""Of each process that tests, and below those that the kernel gives to who connects: between the choice of a
port and its use nobody else takes it."""
_at = count(randrange(PORTS))


def free_port() -> int:
    """On loopback; never the same again soon."""
    for at in _at:
        port = 10_000 + PROCESS % 5 * PORTS + at % PORTS
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise AssertionError("not reached")


def eventually(question: Callable[[], Any], within: float = 30.0, every: float = 0.05) -> Any:
    """Ask until the answer is true, and return it; fail with the last answer or error."""
    deadline = time.monotonic() + within
    while True:
        try:
            answer = question()
        except (OSError, http.client.HTTPException, ValueError) as error:
            answer, failure = None, error
        else:
            failure = None
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s; last answer: {failure or answer!r}")
        time.sleep(every)


def by_all(question: Callable[[], Any], times: int = 12) -> None:
    """Ask until the answer is true so many times in a row: each visit may meet another worker.

    What one of them knows already, and what the parent shows, is on its way to the others.
    """
    eventually(lambda: all(question() for _ in range(times)))


class Program:
    """`python -m tidegate run` on free loopback ports; `log` is everything it wrote."""

    def __init__(
        self,
        data: Path,
        *flags: str,
        web: int = 0,
        websecure: int = 0,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.data = data
        self.web, self.websecure, self.dashboard = web or free_port(), websecure or free_port(), free_port()
        self.log_file = data.with_name(data.name + ".log")
        self.command = [
            *(sys.executable, "-m", "tidegate", "run", "--data", str(data), "--log-format", "json"),
            *("--web", f"{LOOPBACK}:{self.web}", "--websecure", f"{LOOPBACK}:{self.websecure}"),
            *("--dashboard", f"{LOOPBACK}:{self.dashboard}", *flags),
        ]
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("TIDEGATE_", "DOCKER_"))
        }
        self.environment = inherited | {"PYTHONPATH": str(ROOT)} | (settings or {})
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Program:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Program:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )
        try:
            eventually(self.is_up, within=60)
        except BaseException:
            self.kill()  # or it would outlive the test
            raise
        return self

    def is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"tidegate ended with {self.process.returncode}:\n{self.log}")
        return bool(self.api("status"))

    def stop(self, within: float = 10) -> int:
        """SIGTERM, as `docker stop` does; the exit status."""
        return self.end(signal.SIGTERM, within)

    def kill(self) -> None:
        self.end(signal.SIGKILL, 30)

    def end(self, how: signal.Signals, within: float) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(how)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process = None

    def took_to_stop(self) -> float:
        """Seconds, by its own words; on a busy machine its end may take longer than what it does for that."""
        lines = [json.loads(line) for line in self.log.splitlines() if '"event": "stopp' in line]
        began, ended = (datetime.fromisoformat(line["timestamp"]) for line in lines)
        return (ended - began).total_seconds()

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def api(self, name: str) -> Any:
        """What the dashboard's JSON says."""
        connection = http.client.HTTPConnection(LOOPBACK, self.dashboard, timeout=5)
        try:
            connection.request("GET", f"/api/{name}")
            return json.load(connection.getresponse())
        finally:
            connection.close()
