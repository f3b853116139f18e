"""The world as middlewares really find it; what they ask of servers is shown over the wire."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from proxy.balancer import Balancer
from proxy.exchange import NoServer, Request
from proxy.origin import ClientTLS, Origin
from proxy.outside import MOST_WAITING, THREADS, Busy, Outside
from proxy.surroundings import Unusable
from proxy.upstream import Pool
from tests.proxy.heads import head


@pytest.fixture
async def outside():
    pool = Pool()
    world = Outside(pool, Balancer())
    yield world
    await world.close()
    await pool.close()


async def test_slow_work_is_done_beside_the_loop(outside):
    assert await outside.aside(threading.get_ident) != threading.get_ident()


async def test_what_goes_wrong_there_goes_wrong_here(outside):
    with pytest.raises(ZeroDivisionError):
        await outside.aside(lambda: 1 // 0)


async def test_only_so_much_waits_even_when_nobody_waits_for_it_any_more(outside):
    gate = threading.Event()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(outside.aside(gate.wait)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        for each in waiting[THREADS:]:
            each.cancel()
        await asyncio.sleep(0)
        try:
            with pytest.raises(Busy):
                await outside.aside(gate.wait)
        finally:
            gate.set()
    async with asyncio.timeout(10):
        while outside._waiting:
            await asyncio.sleep(0.001)
    assert await outside.aside(lambda: "again") == "again"


async def test_a_service_without_servers_gives_no_answer(outside):
    with pytest.raises(NoServer):
        await outside.ask("pages", Request(head()))


@pytest.mark.parametrize("tls", [{"ca": "ca.pem"}, {"cert": "me.pem", "key": "me.key"}])
async def test_who_may_vouch_is_never_guessed(outside, tls, tmp_path: Path):
    options = ClientTLS(**{name: str(tmp_path / file) for name, file in tls.items()})
    with pytest.raises(Unusable, match="certificate file"):
        await outside.fetch(Origin("https", "127.0.0.1", 1, options), Request(head()))
