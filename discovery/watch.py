"""Watch: whenever containers change, publish the routing they ask for.

An event says only that something changed; what is true is read from the
engine, so a lost, doubled or late event cannot leave a wrong route.  The only
thing taken from an event alone is that a container leaves: its address can be
given to another one at once, so it does not wait for an answer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import NoReturn

from discovery.engine import AnyEngine, Change, Changes, EngineError, EngineState, Unreadable
from discovery.fleet import Fleet, Picture
from discovery.language import USUAL, Language
from discovery.workers import Workers
from proxy.model import RoutingConfig

SETTLE = 0.03  # `compose up` is a burst of events; few containers start closer together than this
PAUSE = 0.1  # between two rebuilds
FULL_LIST = (30.0, 60.0)  # heals whatever was missed
SECOND_LIST = 1.0  # the engine confirms a subscription shortly before it holds it
LOOK_AGAIN = 5.0  # at a container that the engine failed on
BACK_OFF = (0.1, 5.0)
PROBE = 0.25


async def watch(
    engine: AnyEngine,
    publish: Callable[[RoutingConfig], None],
    gone: Callable[[str], None],
    report: Callable[[EngineState], None],
    language: Language = USUAL,
    quietly: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> NoReturn:
    """Publish a config now, and a new one after every change that matters.

    Configs are made in a thread, inside of `quietly()`.

    While the engine does not answer, what was published last stays valid.
    """
    watcher = _Watcher(engine, publish, gone, report, Fleet(language=language), quietly)
    delay = BACK_OFF[0]
    while True:
        try:
            await watcher.session()
        except* EngineError as errors:
            if watcher.answered:
                delay, watcher.answered = BACK_OFF[0], False
            watcher.say(EngineState(up=False, what=str(_first(errors))))
        await _wait_for_return(engine, delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, hides nothing
        delay = min(delay * 2, BACK_OFF[1])


@dataclass(slots=True)
class _Watcher:
    """The fleet, and what has been told to others about it."""

    engine: AnyEngine
    publish: Callable[[RoutingConfig], None]
    gone: Callable[[str], None]
    report: Callable[[EngineState], None]
    fleet: Fleet
    quietly: Callable[[], AbstractContextManager[None]] = nullcontext
    published: RoutingConfig | None = None
    said: EngineState | None = None
    answered: bool = False
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    moved: bool = False
    leaving: dict[str, bool] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    gone_meanwhile: dict[str, None] = field(default_factory=dict)
    """Who has gone since the picture was taken that a config is being made of."""
    thread: Workers = field(default_factory=lambda: Workers("routing"))

    async def session(self) -> None:
        """One connection to the engine, until it fails."""
        who = await self.engine.connect()
        async with self.engine.changes() as changes, asyncio.TaskGroup() as group:
            group.create_task(self.listen(changes))
            await self.compare()
            await self.look()
            await self.make()
            self.answered = True
            self.say(EngineState(up=True, what=who))
            group.create_task(self.publishing())
            group.create_task(self.rebuild())
            group.create_task(self.heal())

    async def listen(self, changes: Changes) -> NoReturn:
        while True:
            self.take_in(await changes.next())

    def take_in(self, change: Change) -> None:
        """Who leaves, leaves now; everything else is looked at when the burst is over."""
        loop = asyncio.get_running_loop()
        left, gone = self.fleet.note(change, loop.time())
        if (left or gone) and not self.leaving:
            loop.call_soon(self.let_go)  # a hundred that stop together are one new table
        if left or gone:
            self.leaving[change.container] = self.leaving.get(change.container, False) or gone
        self.moved |= bool(change.network)
        self.stirred.set()

    def let_go(self) -> None:
        """At once: a config without them takes its time, and nothing may be sent to them meanwhile."""
        leaving, self.leaving = self.leaving, {}
        for ident, gone in leaving.items():
            if gone:
                self.drop(ident)
        if self.published is not None:
            self.tell()

    def drop(self, ident: str) -> None:
        self.gone_meanwhile[ident] = None
        self.gone(ident)

    async def rebuild(self) -> NoReturn:
        while True:
            await self.stirred.wait()
            await asyncio.sleep(SETTLE)
            self.stirred.clear()
            # Who changed first: while the engine starts a container, its list of networks can take 0.3 s.
            await self.look()
            self.tell()
            if self.moved:
                self.moved = False
                await self.compare()
                await self.look()
                self.tell()
            await asyncio.sleep(PAUSE - SETTLE)

    async def heal(self) -> NoReturn:
        delay = SECOND_LIST
        while True:
            await asyncio.sleep(delay)
            await self.compare()
            self.fleet.forgive(asyncio.get_running_loop().time())
            self.stirred.set()
            delay = random.uniform(*FULL_LIST)  # noqa: S311 - spreads, hides nothing

    async def compare(self) -> None:
        """Set what is known against the engine's list, and see where the proxy itself stands."""
        steps = dict(self.fleet.steps)
        listed = {entry.id: entry for entry in await self.engine.list_containers()}
        for ident in self.fleet.compare(listed, steps):
            self.drop(ident)
        self.fleet.own = await self.engine.own(listed)

    async def look(self) -> None:
        """Read whoever is doubtful, and then those whose network they use."""
        await self._inspect(self.fleet.take_doubtful())
        if missing := self.fleet.missing_hosts():
            await self._inspect({ident: self.fleet.steps.get(ident, 0) for ident in missing})

    async def _inspect(self, steps: dict[str, int]) -> None:
        async def one(ident: str, step: int) -> None:
            try:
                self.fleet.learn(ident, step, await self.engine.inspect(ident))
            except Unreadable as error:  # one broken container must not keep the others from being read
                self.fleet.cannot_learn(ident, str(error))
                asyncio.get_running_loop().call_later(LOOK_AGAIN, self.stirred.set)

        try:
            async with asyncio.TaskGroup() as group:
                for ident, step in steps.items():
                    group.create_task(one(ident, step))
        except BaseException:
            self.fleet.doubtful.update(steps)
            raise

    def tell(self) -> None:
        """Have a config made of what is known by then."""
        self.changed.set()

    async def publishing(self) -> NoReturn:
        while True:
            await self.changed.wait()
            await self.make()

    async def make(self) -> None:
        """Make a config in a thread, one after the other, so that none overtakes a later one.

        At 10,000 containers it takes a third of a second, for which no visitor
        is to wait.  Who has gone since the picture was taken is told after the
        config in which he still is: whoever serves that must not ask him.
        """
        self.changed.clear()
        self.gone_meanwhile.clear()
        picture, published = self.fleet.picture(), self.published
        config, differs = await self.thread.run(lambda: self.compared(picture, published))
        if differs:
            self.published = config
            self.publish(config)
            for ident in list(self.gone_meanwhile):
                self.gone(ident)

    def compared(self, picture: Picture, published: RoutingConfig | None) -> tuple[RoutingConfig, bool]:
        with self.quietly():
            config = picture.config()
            return config, config != published

    def say(self, state: EngineState) -> None:
        if state != self.said:
            self.said = state
            self.report(state)


async def _wait_for_return(engine: AnyEngine, delay: float) -> None:
    """Wait, but no longer than until an engine that was away accepts connections again.

    Without that the longest delay would keep a returned engine unheard for
    five seconds.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + delay
    was_there = await engine.answers()
    while (left := until - loop.time()) > 0:
        await asyncio.sleep(min(left, PROBE))
        is_there = await engine.answers()
        if is_there and not was_there:
            return
        was_there = is_there


def _first(errors: BaseExceptionGroup[EngineError]) -> EngineError:
    first = errors.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
