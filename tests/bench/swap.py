"""Swap: how long a new table takes, and how long visitors wait meanwhile.

The whole program but for the engine: a fleet of containers that are only
imagined, the loop that watches them, the thread that makes tables, and the
entrypoints that serve them.  One container changes again and again; a task
that wants to run every millisecond says how long it was kept from it, and how
much of that this process was at work: the rest it waited for a core that
others had.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import structlog

from discovery.container import Container, Listed
from discovery.engine import Change
from discovery.networks import Own
from discovery.watch import watch
from tidegate.app import App
from tidegate.logs import Outlet
from tidegate.quietly import quietly
from tidegate.sources import load

SIZES = (100, 1_000, 10_000)
CHANGES = 5
TICK = 0.001


def imagined(number: int) -> Container:
    labels = {"tidegate.host": f"site{number}.example.com"}
    if number % 4 == 0:
        labels["tidegate.allow"] = "lan"
    return Container(
        id=f"{number:064x}",
        name=f"site{number}",
        labels=labels,
        networks={"web": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"},
        exposed=(80,),
        created=f"{number:09}",
    )


@dataclass
class Imagined:
    """An engine that has these containers, and says what happens to them."""

    containers: dict[str, Container]
    told: asyncio.Queue[Change] = field(default_factory=asyncio.Queue)

    async def connect(self) -> str:
        return "imagined"

    async def answers(self) -> bool:
        return True

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[Imagined]:
        yield self

    async def next(self) -> Change:
        return await self.told.get()

    async def list_containers(self) -> tuple[Listed, ...]:
        return tuple(Listed(each.id, each.glance, each.labels) for each in self.containers.values())

    async def inspect(self, container: str) -> Container | None:
        return self.containers.get(container)

    async def own(self, listed: Mapping[str, Listed]) -> Own:
        return Own(frozenset({"web"}))

    def change(self, number: int) -> str:
        """Another port for one container; returns its id."""
        ident = f"{number:064x}"
        self.containers[ident] = replace(self.containers[ident], exposed=(1000 + number,))
        self.told.put_nowait(Change("update", ident))
        return ident


@dataclass
class Pulse:
    """The longest time for which the loop did nothing else, and the longest that was our own doing."""

    longest: float = 0.0
    own: float = 0.0

    async def beat(self) -> None:
        last, worked = time.perf_counter(), time.process_time()
        while True:
            await asyncio.sleep(TICK)
            now, work = time.perf_counter(), time.process_time()
            pause = now - last - TICK
            self.longest = max(self.longest, pause)
            self.own = max(self.own, min(pause, work - worked))
            last, worked = now, work


async def swapped(size: int) -> tuple[float, float, float]:
    """Seconds from a container's change to its being served, the longest pause of the loop meanwhile, and
    the longest of our own doing."""
    engine = Imagined({each.id: each for each in map(imagined, range(size))})
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        off = {
            "docker": "off",
            "acme_ca": "off",
            "dashboard": "off",
            "web": "127.0.0.1:0",
            "websecure": "127.0.0.1:0",
        }
        app = App(load({**off, "data": folder}, {}), Outlet(lambda _: None, lambda _: None, console=False))
        await app.serving.open()
        app.routing.listen()
        pulse, times = Pulse(), []
        async with asyncio.TaskGroup() as tasks:
            loops = [
                tasks.create_task(app.routing.rebuilding.run()),
                tasks.create_task(
                    watch(
                        engine,
                        app.routing.take_containers,
                        app.routing.drop_owner,
                        app.take_engine_state,
                        quietly=quietly,
                    )
                ),
            ]
            await until(lambda: len(app.routing.config.routers) == size)
            await asyncio.sleep(2.0)  # the second list, which comes soon after the first, changes nothing
            beating = tasks.create_task(pulse.beat())
            for number in range(CHANGES):
                ident = engine.change(number)
                started = time.perf_counter()
                await until(lambda ident=ident, number=number: serves(app, ident, 1000 + number))
                times.append(time.perf_counter() - started)
                await asyncio.sleep(0.3)
            for task in (beating, *loops):
                task.cancel()
        await app.serving.stop(0.1)
        return sorted(times)[len(times) // 2], pulse.longest, pulse.own


async def watched(engine: Imagined, app: App) -> None:
    await watch(
        engine, app.routing.take_containers, app.routing.drop_owner, app.take_engine_state, quietly=quietly
    )


def serves(app: App, ident: str, port: int) -> bool:
    name = f"site{int(ident, 16)}@docker"
    service = app.routing.config.services.get(name)
    return service is not None and any(server.port == port for server in service.servers)


async def until(holds: object) -> None:
    async with asyncio.timeout(120):
        while not holds():  # type: ignore[operator]
            await asyncio.sleep(0.005)


def swap() -> Iterator[str]:
    """Lines of Markdown."""
    yield "\n## While a container changes\n\n| what | | |\n|---|---|---|"
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for size in SIZES:
        gc.collect()
        with suppress(asyncio.CancelledError):
            took, pause, own = (seconds * 1000 for seconds in asyncio.run(swapped(size)))
            yield f"| table for {size:,} routers, from a change to its being served | {took:.0f} ms | |"
            yield f"| longest pause of the loop while it is made and swapped | {pause:.0f} ms | |"
            yield f"| longest for which this program was at work meanwhile | {own:.0f} ms | |"


if __name__ == "__main__":
    print("\n".join(swap()))
