"""Neighbours: the instances that share a storage show each other's proofs, so a CA may reach any of them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from acme_client.challenges.board import Board, Others, Wanted
from acme_client.challenges.proof import Proof, Prover
from acme_client.worker import Worker

TOGETHER, ALONE = 1.0, 2.0
"""Seconds between two looks at the board, with neighbours and without."""

PATIENCE = 8.0
"""Seconds to wait for neighbours to show a proof; then the CA is told to look all the same."""

ASKING = 0.2


class Neighbours:
    """Shows what others ask for, by the provers of this instance, and asks them to show what it proves."""

    def __init__(self, board: Board, disk: Worker, provers: Sequence[Prover]) -> None:
        self._board, self._disk = board, disk
        self._provers = {prover.type: prover for prover in provers}
        self._asked: set[Wanted] = set()
        self._shown: dict[Wanted, AsyncExitStack] = {}
        self._has_neighbours = True
        """Whether there were any when we last heard; until then there may be."""

    async def run(self) -> None:
        """Never raises: a storage that takes nothing lets nobody order, so there is nothing to be shown."""
        try:
            while True:
                others = await self._exchange()
                if others and await self._follow(others):
                    await self._exchange()  # they wait to hear of it
                await asyncio.sleep(TOGETHER if others and others.count else ALONE)
        finally:
            self._board.leave()
            for stack in self._shown.values():
                await stack.aclose()
            self._shown.clear()

    @asynccontextmanager
    async def ask(self, wanted: Wanted) -> AsyncIterator[None]:
        """For as long as the block runs, which begins when all neighbours show it, or one does not answer."""
        self._asked.add(wanted)
        try:
            await self._wait(wanted)
            yield
        finally:
            self._asked.discard(wanted)  # the next look tells them

    async def _wait(self, wanted: Wanted) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while not await self._is_shown(wanted):
            if loop.time() > deadline:
                return
            await asyncio.sleep(ASKING)

    async def _is_shown(self, wanted: Wanted) -> bool:
        """By all neighbours, or there are none: that the board cannot be had for a moment says neither."""
        others = await self._exchange()
        shown = others is not None and wanted.mark in others.show
        return shown or not self._has_neighbours

    async def _exchange(self) -> Others | None:
        """None where nothing can be heard of them: what they have asked for goes on to be shown."""
        try:
            others = await self._disk.call(self._board.exchange, tuple(self._asked), tuple(self._shown))
        except OSError:
            return None
        self._has_neighbours = others.count > 0
        return others

    async def _follow(self, others: Others) -> bool:
        """Show what they ask for and nothing else; whether something is new."""
        for gone in self._shown.keys() - others.ask:
            await self._shown.pop(gone).aclose()
        new = [each for each in others.ask if each not in self._shown and each.kind in self._provers]
        for wanted in new:
            if wanted.kind == "tls-alpn-01":  # it is loaded where that holds nobody up
                await self._disk.call(importlib.import_module, "acme_client.proof_certificate")
            stack = self._shown[wanted] = AsyncExitStack()
            await stack.enter_async_context(self._provers[wanted.kind].show(wanted.proof))
        return bool(new)


class Shared:
    """A prover whose proofs the neighbours show as well."""

    def __init__(self, prover: Prover, neighbours: Neighbours) -> None:
        self._prover, self._neighbours = prover, neighbours

    @property
    def type(self) -> str:
        return self._prover.type

    def obstacle(self, host: str) -> str:
        return self._prover.obstacle(host)

    @asynccontextmanager
    async def show(self, proof: Proof) -> AsyncIterator[None]:
        async with self._prover.show(proof), self._neighbours.ask(Wanted(self.type, proof)):
            yield
