"""A real CA for each test, with its nuisances on, and a manager that stands before it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from acme_client import events
from acme_client.authority import Authority
from acme_client.certificate import Certificate
from acme_client.host import HostStatus
from acme_client.manager import Manager, utc_now
from tests.caddy import Caddy, Older, find_caddy
from tests.integration.acme.answerer import Answerer
from tests.integration.acme.faulty import Faulty
from tests.pebble import Pebble, find_programs


@pytest.fixture
def pebble(tmp_path: Path) -> Iterator[Callable[..., Pebble]]:
    """Start a Pebble; what is not said is as it comes: nonces refused, delays, remembered proofs."""
    if find_programs() is None:
        pytest.skip("pebble is not installed: run scripts/pebble")
    running: list[Pebble] = []

    def start(**more: Any) -> Pebble:
        ca = Pebble(tmp_path / f"pebble-{len(running)}", **more)
        running.append(ca)
        ca.start()
        return ca

    yield start
    for ca in running:
        ca.stop()


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[Callable[..., Caddy]]:
    """Start a Caddy that is a CA."""
    if find_caddy() is None or find_programs() is None:
        pytest.skip("caddy or pebble is not installed: run scripts/caddy and scripts/pebble")
    if os.geteuid() != 0:
        pytest.skip("Caddy asks at port 80 and at the system's name server alone: only root can arrange that")
    running: list[Caddy] = []

    def start(**more: Any) -> Caddy:
        ca = Caddy(tmp_path / f"caddy-{len(running)}", **more)
        running.append(ca)
        try:
            ca.start()
        except Older as reason:
            pytest.skip(str(reason))
        return ca

    yield start
    for ca in running:
        ca.stop()


class Gate:
    """Stands where Tidegate stands: a manager, and a plain HTTP server that answers for it."""

    def __init__(self, data: Path, ca: Pebble | Caddy | Faulty, **settings: Any) -> None:
        """`ahead` is by how much its clock is wrong."""
        self.ahead: timedelta = settings.pop("ahead", timedelta())
        settings = {"email": "owner@example.com", "bundle": ca.ca_bundle} | settings
        self.ca = ca
        self.said: list[events.Event] = []
        self.served: Mapping[str, Certificate] = {}
        authority = Authority(ca.directory_url, **settings)
        self.manager = Manager(data, authority, self._publish, self.said.append, clock=self._now)
        self.answerer = Answerer(self.manager.http01.answer)

    def _now(self) -> datetime:
        return utc_now() + self.ahead

    def _publish(self, served: Mapping[str, Certificate], default: Certificate) -> None:
        self.served = served

    def want(self, *hosts: str) -> None:
        self.manager.want(hosts)

    def status(self, host: str) -> HostStatus:
        return next(status for status in self.manager.status() if status.host == host)

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.said if isinstance(event, kind)]

    async def active(self, hosts: Collection[str], within: float = 30.0) -> None:
        await self.eventually(lambda: all(self.status(host).state == "active" for host in hosts), within)

    async def eventually(self, claim: Callable[[], object], within: float = 30.0) -> None:
        deadline = time.monotonic() + within
        while not claim():
            assert time.monotonic() < deadline, f"{self.manager.status()}\n{self.said}"
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def running(self):  # type: ignore[no-untyped-def]
        server = await asyncio.start_server(self.answerer, self.ca.address, self.ca.http_port)
        async with server, asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.manager.run())
            try:
                yield self
            finally:
                task.cancel()


@pytest.fixture
def gate(tmp_path: Path) -> Callable[..., Gate]:
    """A gate on this test's storage; a second one is the first after a restart."""

    def make(ca: Pebble | Caddy | Faulty, data: str = "data", **settings: Any) -> Gate:
        return Gate(tmp_path / data, ca, **settings)

    return make
