"""Arrival: from a container's start to its first answer through the proxy, on a real engine."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.peers import Peer
from tests.bench.plan import Plan, say
from tests.bench.rounds import FAILURES
from tests.bench.row import Absent, Cell, Measured, Row, Section
from tests.program import eventually

if TYPE_CHECKING:
    from docker.models.containers import Container

    from tests.integration.crowd import Crowd

RUNS = 5
NAME = "arrival"
HOST = f"{NAME}.localhost"
PORT = 8000  # on which the test app listens
EVERY = 0.002  # seconds between two questions

ARRIVAL = Section(
    "Milliseconds from container start to first answer",
    more_is_better=False,
    note="Counted from the order to start, so the engine's and the app's own time is in it.",
)


def arrival(plan: Plan) -> Iterator[Row]:
    # Only here, since they bring the Docker client with them.
    from tests.engine import running_engine
    from tests.integration.crowd import Crowd

    cells: dict[str, Cell] = {
        peer.name: Absent(peer.absence or "reads no Docker labels")
        for peer in plan.peers
        if peer.absence or not peer.labels
    }
    reading = [peer for peer in plan.peers if peer.labels and not peer.absence]
    title = "a new app"
    try:
        with running_engine(plan.folder / "engine") as url, Crowd(url) as crowd:
            title = f"a new app, which without a proxy needs {direct(crowd):.0f}"
            for peer in reading:
                cells[peer.name] = routed(peer, plan, crowd, url)
    except Exception as error:  # whatever becomes of the engine, the figures of the last hour are kept
        for peer in reading:
            cells.setdefault(peer.name, Absent(f"{type(error).__name__}: {error}"))
    yield Row(ARRIVAL, title, cells)


def routed(peer: Peer, plan: Plan, crowd: Crowd, url: str) -> Cell:
    site = replace(plan.site(peer), docker=url)
    router = f"{peer.labels}.http.routers.{NAME}"
    labels = {
        f"{peer.labels}.enable": "true",
        f"{router}.rule": f"Host(`{HOST}`)",
        f"{router}.entrypoints": "web",
    }
    try:
        with peer.serving(site):
            times = arrivals(crowd, labels, lambda _: site.ask(host=HOST)[0] == 200)
    except FAILURES as error:
        return Absent(str(error))
    say(f"{peer.name}, container start to first answer: {', '.join(f'{took:.0f}' for took in times)} ms")
    return Measured.of(times)


def direct(crowd: Crowd) -> float:
    """Milliseconds until the app answers whoever knows its address."""
    return median(arrivals(crowd, {}, lambda container: answers(address(container))))


def arrivals(crowd: Crowd, labels: dict[str, str], question: Callable[[Container], bool]) -> list[float]:
    """One container, started again and again; between two starts its absence is waited for."""
    container = crowd.start(NAME, labels)
    times = []
    try:
        for _ in range(RUNS):
            eventually(lambda: question(container), within=20)
            container.stop(timeout=0)
            eventually(lambda: gone(container, question), within=20)
            started = time.perf_counter()
            container.start()
            eventually(lambda: question(container), within=20, every=EVERY)
            times.append((time.perf_counter() - started) * 1000)
    finally:
        crowd.clear()
    return times


def gone(container: Container, question: Callable[[Container], bool]) -> bool:
    try:
        return not question(container)
    except (OSError, http.client.HTTPException):
        return True


def address(container: Container) -> str:
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"].values()
    return next((network["IPAddress"] for network in networks if network["IPAddress"]), "")


def answers(host: str) -> bool:
    if not host:
        return False
    connection = http.client.HTTPConnection(host, PORT, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    finally:
        connection.close()
