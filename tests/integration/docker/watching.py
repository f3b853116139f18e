"""Watching: discovery at work on a real engine, and what it has told so far."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from discovery.docker_api import Engine
from discovery.engine import EngineState
from discovery.watch import watch
from proxy.model import Router, RoutingConfig, Server


@dataclass
class Watching:
    configs: list[RoutingConfig] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    states: list[EngineState] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def config(self) -> RoutingConfig:
        return self.configs[-1] if self.configs else RoutingConfig()

    def router(self, host: str) -> Router | None:
        return next((r for r in self.config.routers.values() if f"`{host}`" in r.rule), None)

    def servers(self, host: str) -> tuple[Server, ...] | None:
        """The servers behind a host, None when nobody has it."""
        router = self.router(host)
        return self.config.services[router.service].servers if router else None

    async def answer(self, host: str) -> str:
        """What a visitor of the host would read; a word in brackets where nobody would answer."""
        servers = self.servers(host)
        if servers is None:
            return "[no route]"
        if not servers:
            return "[no server]"
        try:
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection(servers[0].address, servers[0].port)
                writer.write(b"GET / HTTP/1.0\r\n\r\n")
                answer = await reader.read()
                writer.close()
        except (OSError, TimeoutError):
            return "[no answer]"
        return answer.rpartition(b"\r\n\r\n")[2].decode().strip()

    async def eventually(self, host: str, expected: str, within: float = 20.0) -> None:
        deadline = time.monotonic() + within
        asked = time.monotonic()
        while (seen := await self.answer(host)) != expected:
            self.look_alive()
            # When it was asked counts: a container that is being paused lets its visitor wait.
            assert asked < deadline, f"{host}: still {seen}, expected {expected}; {self.config}"
            await asyncio.sleep(0.02)
            asked = time.monotonic()

    async def until(self, holds: Callable[[], object], within: float = 20.0) -> None:
        deadline = time.monotonic() + within
        while not holds():
            self.look_alive()
            assert time.monotonic() < deadline, f"still not so: {self.config} {self.states}"
            await asyncio.sleep(0.02)

    def look_alive(self) -> None:
        if self.task and self.task.done():
            self.task.result()  # discovery died: show why, not "still no route"


@asynccontextmanager
async def watching(url: str, environ: Mapping[str, str] | None = None) -> AsyncIterator[Watching]:
    seen = Watching()
    engine = Engine(url, environ or {})
    async with asyncio.TaskGroup() as group:
        seen.task = group.create_task(
            watch(engine, seen.configs.append, seen.gone.append, seen.states.append)
        )
        try:
            await seen.until(lambda: seen.states)
            yield seen
        finally:
            seen.task.cancel()
    await engine.close()
