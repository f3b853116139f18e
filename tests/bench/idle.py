"""Idle: what a peer weighs when nothing happens, alone and with a thousand silent visitors."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from tests.bench.peers import Peer
from tests.bench.plan import Plan, say
from tests.bench.process import Running
from tests.bench.rounds import FAILURES, MEMORY
from tests.bench.row import Absent, Cell, Measured, Row, Section
from tests.bench.site import HOST, Site, trusting
from tests.program import LOOPBACK

CONNECTIONS = 1_000
WARM = 20  # connections made and closed first, so that what a first request allocates is not counted
SETTLED = 1.0  # seconds until memory is read

PER_CONNECTION = Section(
    f"KiB per idle connection, of {CONNECTIONS:,}",
    more_is_better=False,
    note="What a fresh process tree grows by (PSS); each connection has had one request answered.",
)
REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def idle(plan: Plan) -> Iterator[Row]:
    yield Row(MEMORY, "idle, just started", {peer.name: weigh(peer, plan) for peer in plan.peers})
    for title, tls in (("plain", False), ("TLS", True)):
        cells = {peer.name: weigh(peer, plan, CONNECTIONS, tls=tls) for peer in plan.peers}
        yield Row(PER_CONNECTION, title, cells)


def weigh(peer: Peer, plan: Plan, connections: int = 0, *, tls: bool = False) -> Cell:
    """MB of a fresh process, or KiB that each connection adds to it."""
    if reason := peer.absence:
        return Absent(reason)
    site = plan.site(peer)
    try:
        with peer.serving(site) as proxy:
            figure = growth(site, proxy, connections, tls=tls) if connections else settled(proxy)
    except FAILURES as error:
        return Absent(str(error))
    say(f"{peer.name}, {connections} idle connections{', TLS' if tls else ''}: {figure:.2f}")
    return Measured(figure)


def settled(proxy: Running) -> float:
    time.sleep(SETTLED)
    return proxy.memory().pss


def growth(site: Site, proxy: Running, connections: int, *, tls: bool) -> float:
    visit = partial(visitor, site.websecure if tls else site.web, tls=tls)
    for _ in range(WARM):
        visit().close()
    before = settled(proxy)
    with ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(visit())
        return (settled(proxy) - before) * 1024 / connections


def visitor(port: int, *, tls: bool) -> socket.socket:
    """A connection that has had one answer and now says nothing."""
    connection = socket.create_connection((LOOPBACK, port), timeout=10)
    if tls:
        connection = trusting().wrap_socket(connection, server_hostname=HOST)
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"x" * 1024):
        if not (data := connection.recv(65536)):
            raise ConnectionError("cut before its answer was whole")
        answer += data
    return connection


def allow_files() -> None:
    """Raise the soft limit of open files as far as may be, before the peers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
