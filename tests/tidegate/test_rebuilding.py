"""Tables are made in a thread: in order, only the newest, and without who has gone meanwhile."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest

from tidegate.quietly import let_go, quietly
from tidegate.rebuilding import Rebuilding


class Scene:
    """A maker that waits until it may go on, as a large table would."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.published: list[tuple[str, tuple[str, ...]]] = []
        self.may_go_on = threading.Semaphore(0)
        self.forgotten: list[object] = []
        self.broken: set[int] = set()
        self.rebuilding = Rebuilding(self.make, self.publish, self.pieces)

    def make(self, asked: int) -> str:
        self.begun.append(asked)
        assert self.may_go_on.acquire(timeout=5)
        if asked in self.broken:
            self.broken.discard(asked)
            raise ZeroDivisionError
        return f"table {asked}"

    def publish(self, made: str, gone: Collection[str]) -> None:
        self.published.append((made, tuple(gone)))

    def pieces(self, made: str) -> list[object]:
        self.forgotten.append(made)
        return [made]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Scene]:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.rebuilding.run())
            yield self
            task.cancel()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.begun) < count:
                await asyncio.sleep(0.001)


async def test_only_the_newest_is_made_and_nothing_older_comes_after_it() -> None:
    async with Scene().running() as scene:
        scene.rebuilding.ask(1)
        await scene.until(1)
        for number in (2, 3, 4):
            scene.rebuilding.ask(number)
        scene.may_go_on.release(2)
        await scene.rebuilding.settled()
        assert scene.begun == [1, 4]
        assert [made for made, _ in scene.published] == ["table 1", "table 4"]


async def test_who_goes_while_a_table_is_made_or_waits_is_known_when_it_is_published() -> None:
    async with Scene().running() as scene:
        scene.rebuilding.drop_owner("before")
        scene.rebuilding.ask(1)
        await scene.until(1)
        scene.rebuilding.drop_owner("first")
        scene.rebuilding.ask(2)
        scene.rebuilding.drop_owner("second")
        scene.may_go_on.release(2)
        await scene.rebuilding.settled()
        scene.rebuilding.drop_owner("after")
        assert scene.published == [("table 1", ("first", "second")), ("table 2", ("second",))]


async def test_the_loop_goes_on_while_a_table_is_made() -> None:
    async with Scene().running() as scene:
        scene.rebuilding.ask(1)
        await scene.until(1)
        for _ in range(20):
            await asyncio.sleep(0)
        assert scene.published == []
        scene.may_go_on.release()
        await scene.rebuilding.settled()


async def test_what_could_not_be_made_is_tried_again_by_the_next_run() -> None:
    scene = Scene()
    scene.broken = {1}
    scene.rebuilding.ask(1)
    scene.may_go_on.release(2)
    with pytest.raises(ZeroDivisionError):
        await scene.rebuilding.run()
    async with scene.running():
        await scene.rebuilding.settled()
    assert [made for made, _ in scene.published] == ["table 1"]


async def test_the_table_before_is_taken_apart() -> None:
    async with Scene().running() as scene:
        scene.may_go_on.release(2)
        for number in (1, 2):
            scene.rebuilding.ask(number)
            await scene.rebuilding.settled()
        async with asyncio.timeout(5):
            while scene.forgotten != ["table 1"]:
                await asyncio.sleep(0.001)


def test_the_collector_is_off_and_on_again_however_many_are_at_it() -> None:
    interval = sys.getswitchinterval()
    with quietly():
        assert not gc.isenabled()
        with quietly():
            pass
        assert not gc.isenabled()
        assert sys.getswitchinterval() < interval
    assert gc.isenabled()
    assert sys.getswitchinterval() == interval
    with pytest.raises(KeyError), quietly():
        raise KeyError
    assert gc.isenabled()


def test_much_that_was_made_is_set_aside_and_little_is_not() -> None:
    gc.unfreeze()
    with quietly():
        few = [[] for _ in range(10)]
    assert gc.get_freeze_count() == 0
    with quietly():
        many = [[] for _ in range(50_000)]
    assert gc.get_freeze_count() > len(many) > len(few)
    gc.unfreeze()


def test_what_is_let_go_is_gone() -> None:
    held, pieces = [[1], [2]], [object(), object()]
    let_go(held, pieces)
    assert (held, pieces) == ([], [])
