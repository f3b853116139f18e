"""Engine restarts, cut streams, and proxies that allow little."""

from __future__ import annotations

import asyncio
import time

import pytest

from proxy.model import RoutingConfig
from tests.integration.docker.conftest import Yard
from tests.integration.docker.socket_proxy import socket_proxy
from tests.integration.docker.watching import watching

pytestmark = pytest.mark.docker

BLOG = {"tidegate.host": "blog.test"}


def has(config: RoutingConfig, host: str) -> bool:
    return any(f"`{host}`" in router.rule for router in config.routers.values())


async def test_reading_calls_are_enough(yard, aside):
    with socket_proxy(yard.url) as proxy:
        async with watching(proxy.url) as seen:
            blog = await aside(yard.start, "hello", BLOG)
            await seen.eventually("blog.test", "hello")
            await aside(blog.kill)
            await seen.eventually("blog.test", "[no route]")
        assert proxy.refused == []
        assert all(line.startswith("GET ") for line in proxy.asked)


@pytest.mark.parametrize("forbidden", ["/version", "/networks"])
async def test_what_is_not_needed_may_be_forbidden(yard, aside, forbidden):
    with socket_proxy(yard.url, forbidden) as proxy:
        async with watching(proxy.url) as seen:
            await aside(yard.start, "hello", BLOG)
            await seen.eventually("blog.test", "hello")
        assert proxy.refused


async def test_a_proxy_that_forbids_events_is_named_with_the_remedy(yard):
    with socket_proxy(yard.url, "/events") as proxy:
        async with watching(proxy.url) as seen:
            assert [state.up for state in seen.states] == [False]
            assert "EVENTS=1" in seen.states[0].what


async def test_a_cut_event_stream_loses_nothing(yard, aside):
    with socket_proxy(yard.url) as proxy:
        async with watching(proxy.url) as seen:
            blog = await aside(yard.start, "hello", BLOG)
            await seen.eventually("blog.test", "hello")
            published = len(seen.configs)
            for n in range(3):
                proxy.cut()
                await aside(yard.start, f"app {n}", {"tidegate.host": f"app{n}.test"})
                await seen.eventually(f"app{n}.test", f"app {n}")
            assert all(has(config, "blog.test") for config in seen.configs[published:])
            assert blog.id not in seen.gone


@pytest.mark.slow
async def test_an_engine_that_restarts_is_followed(daemon, aside):
    yard = Yard(daemon.url)
    async with watching(daemon.url) as seen:
        blog = await aside(yard.start, "hello", BLOG)
        await seen.eventually("blog.test", "hello")
        await aside(daemon.stop)
        await seen.until(lambda: not seen.states[-1].up)
        published = len(seen.configs)
        await asyncio.sleep(1.5)  # long enough for the back-off to grow
        assert len(seen.configs) == published
        await aside(daemon.start)
        returned = time.monotonic()
        await seen.until(lambda: seen.states[-1].up, within=4.5)
        print(f"the engine's return was noticed within {time.monotonic() - returned:.2f} s")
        await aside(blog.start)
        await seen.eventually("blog.test", "hello", within=4.5)
        assert [state.up for state in seen.states].count(True) == 2
    await aside(yard.clear)


async def test_an_engine_that_is_killed_leaves_the_last_routing_in_force(daemon, aside):
    yard = Yard(daemon.url)
    async with watching(daemon.url) as seen:
        await aside(yard.start, "hello", BLOG)
        await seen.eventually("blog.test", "hello")
        await aside(daemon.kill)
        await seen.until(lambda: not seen.states[-1].up)
        await seen.eventually("blog.test", "hello")
        await aside(daemon.start)
        await seen.until(lambda: seen.states[-1].up, within=4.5)
    await aside(yard.clear)
