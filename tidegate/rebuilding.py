"""Rebuilding: a new table is made in a thread while the last one serves, one after the other.

At 10,000 routers it takes about a second, for which no visitor is to wait.
What was asked for last is made next; whatever was asked for in between is
never made.  So nothing that is older is published after something newer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, NoReturn, TypeVar

from tidegate.quietly import let_go, quietly

Asked = TypeVar("Asked")
Made = TypeVar("Made")


@dataclass(slots=True, eq=False)
class _Order(Generic[Asked]):
    """What was asked for, and which containers have gone since."""

    asked: Asked
    gone: dict[str, None] = field(default_factory=dict)


class Rebuilding(Generic[Asked, Made]):
    def __init__(
        self,
        make: Callable[[Asked], Made],
        publish: Callable[[Made, Collection[str]], None],
        pieces: Callable[[Made], list[object]],
    ) -> None:
        """`make` runs in a thread, never twice at a time; `publish` in the loop, with those who have gone
        since what it gets was asked for: it may still have their servers.  `pieces` are what it is that
        is made, many and small."""
        self._pieces = pieces
        self._last: list[Made] = []
        self._make = make
        self._publish = publish
        self._newest: _Order[Asked] | None = None
        self._published: _Order[Asked] | None = None
        self._making: _Order[Asked] | None = None
        self._stirred = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="table")

    def ask(self, asked: Asked) -> None:
        self._newest = _Order(asked)
        self._settled.clear()
        self._stirred.set()

    def drop_owner(self, owner: str) -> None:
        """To be told of each container that goes, at once."""
        for order in (self._newest, self._making):
            if order is not None and order is not self._published:
                order.gone[owner] = None

    async def settled(self) -> None:
        """Wait until all that was asked for is published."""
        await self._settled.wait()

    def _quietly(self, asked: Asked) -> Made:
        with quietly():
            return self._make(asked)

    def _forget(self, before: list[Made]) -> None:
        let_go(before, [piece for made in before for piece in self._pieces(made)])

    async def run(self) -> NoReturn:
        """Never ends; begun anew after an error, it tries the newest again."""
        loop = asyncio.get_running_loop()
        self._stirred.set()
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            order = self._newest
            if order is None or order is self._published:
                continue
            self._making = order
            try:
                made = await loop.run_in_executor(self._thread, self._quietly, order.asked)
            finally:
                self._making = None
            self._published = order
            self._publish(made, tuple(order.gone))
            before, self._last = self._last, [made]
            del made
            self._thread.submit(self._forget, before)
            if order is self._newest:
                self._settled.set()
