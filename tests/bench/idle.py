"""Idle: what a peer weighs when nothing happens, alone and with a thousand silent visitors."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

from tests.bench.backend import KIB
from tests.bench.peers import Peer
from tests.bench.plan import Plan, say
from tests.bench.process import Memory, Running
from tests.bench.rounds import FAILURES, MEMORY
from tests.bench.row import Absent, Cell, Measured, Row, Section
from tests.bench.site import HOST, Site, trusting
from tests.program import LOOPBACK

CONNECTIONS = 4_000
WARM = 20  # connections made and closed first, so that what a first request allocates is not counted
SETTLED = 1.0  # seconds until memory is read

PER_CONNECTION = Section(
    f"KiB per idle connection, of {CONNECTIONS:,}",
    more_is_better=False,
    note="What a fresh process tree grows by (PSS); each connection has had one request answered.",
)
REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def idle(plan: Plan) -> Iterator[Row]:
    for section, title, figure in FIGURES:
        yield Row(section, title, {peer.name: weigh(peer, plan, title, figure) for peer in plan.peers})


def weigh(peer: Peer, plan: Plan, title: str, figure: Figure) -> Cell:
    """A figure of a fresh process."""
    if reason := peer.absence:
        return Absent(reason)
    site = plan.site(peer)
    try:
        with peer.serving(site) as proxy:
            measured = Measured(figure(site, proxy))
    except FAILURES as error:
        return Absent(str(error))
    say(f"{title}, {peer.name}: {measured.value:.2f}")
    return measured


def settled(proxy: Running) -> Memory:
    time.sleep(SETTLED)
    return proxy.memory()


def growth(proxy: Running, visit: Callable[[], socket.socket]) -> float:
    """KiB that each connection adds."""
    for _ in range(WARM):
        visit().close()
    before = settled(proxy).pss
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(visit())
        return (settled(proxy).pss - before) * 1024 / CONNECTIONS


def visitor(port: int, *, tls: bool) -> socket.socket:
    """A connection that has had one answer and now says nothing."""
    connection = socket.create_connection((LOOPBACK, port), timeout=10)
    if tls:
        connection = trusting().wrap_socket(connection, server_hostname=HOST)
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"x" * KIB):
        if not (data := connection.recv(65536)):
            raise ConnectionError("cut before its answer was whole")
        answer += data
    return connection


Figure = Callable[[Site, Running], float]
FIGURES: tuple[tuple[Section, str, Figure], ...] = (
    (MEMORY, "idle, PSS", lambda _, proxy: settled(proxy).pss),
    (MEMORY, "idle, RSS", lambda _, proxy: settled(proxy).rss),
    (PER_CONNECTION, "plain", lambda site, proxy: growth(proxy, partial(visitor, site.web, tls=False))),
    (PER_CONNECTION, "TLS", lambda site, proxy: growth(proxy, partial(visitor, site.websecure, tls=True))),
)


def allow_files() -> None:
    """Raise the soft limit of open files as far as may be, before the peers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
