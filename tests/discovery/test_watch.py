"""The loop around the fleet, with an engine that does what the test says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from discovery import watch as watching
from discovery.container import Container, Listed
from discovery.engine import Change, EngineError, EngineState, Unreadable
from discovery.fleet import Picture
from discovery.networks import Own
from discovery.watch import watch
from proxy.model import RoutingConfig


def container(name: str, **other: object) -> Container:
    labels = {"tidegate.host": f"{name}.test"}
    return replace(
        Container(name, name, labels=labels, networks={"web": "172.18.0.5"}, exposed=(80,)), **other
    )


@dataclass
class Stream:
    arrived: asyncio.Queue[Change | EngineError] = field(default_factory=asyncio.Queue)

    async def next(self) -> Change:
        change = await self.arrived.get()
        if isinstance(change, EngineError):
            raise change
        return change


@dataclass
class FakeEngine:
    """Remembers what it was asked, in order."""

    containers: dict[str, Container] = field(default_factory=dict)
    down: str = ""
    asked: list[str] = field(default_factory=list)
    stream: Stream = field(default_factory=Stream)
    before_list: Callable[[], None] = lambda: None
    together: int = 0
    most_together: int = 0

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.down:
            raise EngineError(self.down)

    async def connect(self) -> str:
        self._ask("connect")
        return "A fake answers."

    async def answers(self) -> bool:
        return not self.down

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[Stream]:
        self._ask("subscribe")
        self.stream = Stream()
        yield self.stream

    async def list_containers(self) -> tuple[Listed, ...]:
        self._ask("list")
        self.before_list()
        return tuple(Listed(each.id, each.glance, each.labels) for each in self.containers.values())

    async def inspect(self, container: str) -> Container | None:
        self._ask(f"inspect {container}")
        self.together += 1
        self.most_together = max(self.together, self.most_together)
        await asyncio.sleep(0)
        self.together -= 1
        return self.containers.get(container)

    async def own(self, listed: Mapping[str, Listed]) -> Own:
        return Own(networks=frozenset({"web"}))

    def start(self, name: str, **other: object) -> None:
        self.containers[name] = container(name, **other)
        self.tell("start", name)

    def tell(self, action: str, name: str) -> None:
        self.stream.arrived.put_nowait(Change(action, name))

    def fall(self, why: str) -> None:
        self.down = why
        self.stream.arrived.put_nowait(EngineError("The stream ended."))


@dataclass
class Seen:
    engine: FakeEngine
    configs: list[RoutingConfig] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    states: list[EngineState] = field(default_factory=list)

    def names(self) -> set[str]:
        return {name.partition("@")[0] for name in self.configs[-1].routers} if self.configs else set()

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def watched(engine: FakeEngine) -> AsyncIterator[Seen]:
    seen = Seen(engine)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch(engine, seen.configs.append, seen.gone.append, seen.states.append))
        try:
            yield seen
        finally:
            task.cancel()


async def test_it_subscribes_first_and_lists_then() -> None:
    async with watched(FakeEngine({"blog": container("blog")})) as seen:
        await seen.until(lambda: seen.names() == {"blog"})
    assert seen.engine.asked[:3] == ["connect", "subscribe", "list"]
    assert seen.states == [EngineState(up=True, what="A fake answers.")]


async def test_what_happens_between_subscription_and_list_is_not_lost() -> None:
    engine = FakeEngine()
    engine.before_list = lambda: engine.start("late")
    async with watched(engine) as seen:
        await seen.until(lambda: seen.names() == {"late"})


async def test_a_burst_is_one_change() -> None:
    async with watched(FakeEngine()) as seen:
        await seen.until(lambda: seen.states)
        for n in range(100):
            seen.engine.start(f"app{n}")
        await seen.until(lambda: len(seen.names()) == 100)
        assert len(seen.configs) <= 3


async def test_an_event_that_changes_nothing_publishes_nothing() -> None:
    async with watched(FakeEngine({"blog": container("blog")})) as seen:
        await seen.until(lambda: seen.names() == {"blog"})
        seen.engine.tell("update", "blog")
        await seen.until(lambda: seen.engine.asked.count("inspect blog") == 2)
        seen.engine.start("other")
        await seen.until(lambda: seen.names() == {"blog", "other"})
        assert len(seen.configs) == 2


async def test_only_the_container_that_changed_is_inspected() -> None:
    async with watched(FakeEngine({name: container(name) for name in ("a", "b", "c")})) as seen:
        await seen.until(lambda: len(seen.names()) == 3)
        seen.engine.asked.clear()
        seen.engine.tell("health_status", "b")
        await seen.until(lambda: seen.engine.asked)
        seen.engine.start("d")
        await seen.until(lambda: len(seen.names()) == 4)
        assert [what for what in seen.engine.asked if what != "list"] == ["inspect b", "inspect d"]


async def test_who_goes_leaves_before_anything_is_asked() -> None:
    async with watched(FakeEngine({"blog": container("blog")})) as seen:
        await seen.until(lambda: seen.names() == {"blog"})
        seen.engine.asked.clear()
        del seen.engine.containers["blog"]
        seen.engine.tell("die", "blog")
        await seen.until(lambda: seen.gone)
        assert seen.names() == set()
        assert seen.engine.asked == []


async def test_while_the_engine_is_away_the_last_routing_stays_and_it_is_said_once() -> None:
    async with watched(FakeEngine({"blog": container("blog")})) as seen:
        await seen.until(lambda: seen.names() == {"blog"})
        seen.engine.asked.clear()
        seen.engine.fall("Nobody answers.")
        await seen.until(lambda: seen.engine.asked.count("connect") >= 3)
        assert seen.names() == {"blog"}
        assert [state.what for state in seen.states[1:]] == ["The stream ended.", "Nobody answers."]
        del seen.engine.containers["blog"]
        seen.engine.containers["new"] = container("new")
        seen.engine.down = ""
        await seen.until(lambda: seen.names() == {"new"})
        await seen.until(lambda: seen.states[-1].up)
        assert seen.gone == ["blog"]


async def test_an_engine_that_is_away_from_the_start_is_waited_for() -> None:
    engine = FakeEngine({"blog": container("blog")}, down="There is no socket.")
    async with watched(engine) as seen:
        await seen.until(lambda: engine.asked.count("connect") >= 2)
        assert seen.states == [EngineState(up=False, what="There is no socket.")]
        assert seen.configs == []
        engine.down = ""
        await seen.until(lambda: seen.names() == {"blog"})


async def test_a_missed_event_is_healed_by_the_list(monkeypatch) -> None:
    monkeypatch.setattr(watching, "SECOND_LIST", 0.01)
    monkeypatch.setattr(watching, "FULL_LIST", (0.01, 0.02))
    async with watched(FakeEngine({"blog": container("blog")})) as seen:
        await seen.until(lambda: seen.names() == {"blog"})
        seen.engine.containers["blog"] = container("blog", health="unhealthy")
        await seen.until(lambda: not seen.configs[-1].services["blog@docker"].servers)
        del seen.engine.containers["blog"]
        seen.engine.containers["silent"] = container("silent")
        await seen.until(lambda: seen.names() == {"silent"})
        assert seen.gone == ["blog"]


async def test_those_that_go_together_are_dropped_at_once_and_are_one_table() -> None:
    engine = FakeEngine({f"app{n}": container(f"app{n}") for n in range(50)})
    async with watched(engine) as seen:
        await seen.until(lambda: len(seen.names()) == 50)
        published = len(seen.configs)
        for name in list(engine.containers):
            del engine.containers[name]
            engine.tell("die", name)
        await seen.until(lambda: len(seen.gone) == 50)
        await seen.until(lambda: seen.names() == set())
        assert len(seen.configs) == published + 1


async def test_who_goes_while_a_config_is_made_is_dropped_again_after_it(monkeypatch) -> None:
    """The config still has him: whoever serves it would take him for one that was started anew."""
    begun, may_end = threading.Event(), threading.Event()

    def slowly(picture: Picture) -> RoutingConfig:
        begun.set()
        assert may_end.wait(5)
        return config(picture)

    config = Picture.config
    engine = FakeEngine({name: container(name) for name in ("blog", "shop")})
    async with watched(engine) as seen:
        await seen.until(lambda: seen.names() == {"blog", "shop"})
        monkeypatch.setattr(Picture, "config", slowly)
        engine.start("news")
        await seen.until(begun.is_set)
        del engine.containers["blog"]
        engine.tell("die", "blog")
        await seen.until(lambda: seen.gone == ["blog"])
        assert "news" not in seen.names()
        may_end.set()
        await seen.until(lambda: seen.gone == ["blog", "blog"])
        await seen.until(lambda: seen.names() == {"news", "shop"})


async def test_who_goes_during_the_first_look_is_not_served_after_it() -> None:
    engine = FakeEngine({"blog": container("blog"), "other": container("other")})
    engine.before_list = lambda: engine.tell("die", "blog")
    async with watched(engine) as seen:
        await seen.until(lambda: "other" in seen.names())
        del engine.containers["blog"]
        engine.before_list = lambda: None
        await seen.until(lambda: seen.names() == {"other"})


async def test_a_start_does_not_wait_for_a_slow_list_of_networks() -> None:
    """The engine holds its networks while it starts a container; the connect event comes just before."""
    engine = SlowOwnEngine()
    async with watched(engine) as seen:
        await seen.until(lambda: seen.states)
        engine.free.clear()
        engine.stream.arrived.put_nowait(Change("connect", "blog", network="web"))
        engine.start("blog")
        await seen.until(lambda: seen.names() == {"blog"})
        engine.free.set()


class SlowOwnEngine(FakeEngine):
    """Says where the proxy stands only once it is free to."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()
        self.free.set()

    async def own(self, listed: Mapping[str, Listed]) -> Own:
        await self.free.wait()
        return await super().own(listed)


async def test_a_container_that_the_engine_fails_on_keeps_no_other_from_being_served() -> None:
    engine = StumblingEngine({name: container(name) for name in ("blog", "broken", "shop")})
    async with watched(engine) as seen:
        await seen.until(lambda: seen.names() == {"blog", "shop"})
        [problem] = seen.configs[-1].problems
        assert (problem.where, "layer does not exist" in problem.what) == ("broken", True)
        engine.broken = ""
        engine.start("news")
        await seen.until(lambda: seen.names() == {"blog", "broken", "news", "shop"})
        assert not seen.configs[-1].problems
    assert [state.up for state in seen.states] == [True]


class StumblingEngine(FakeEngine):
    """Answers 500 when it is asked about one container, as an engine does whose files of it are broken."""

    broken = "broken"

    async def inspect(self, container: str) -> Container | None:
        if container == self.broken:
            raise Unreadable("layer does not exist")
        return await super().inspect(container)
