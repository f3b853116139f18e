"""HTTP-01: the answers that the CA may fetch at this moment (RFC 8555 8.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from acme_client.challenges.proof import Proof

PREFIX = "/.well-known/acme-challenge/"


class HTTP01:
    """Token -> key authorization, while a challenge is open.

    The host is not looked at: a token is the CA's own random number, and
    whoever asks with it may know the answer.
    """

    type = "http-01"

    def __init__(self) -> None:
        self.on_change: Callable[[Mapping[str, bytes]], Awaitable[None]] | None = None
        """Told of all answers, by their paths, whenever they change.

        What it returns is done when they are given wherever the CA may ask: the
        CA is not told to ask before.
        """
        self._answers: dict[str, list[bytes]] = {}
        """By path, once for each who shows it: a neighbour's order that we go on with has the same token."""

    def obstacle(self, host: str) -> str:
        return "A wildcard needs the DNS-01 challenge." if host.startswith("*.") else ""

    @asynccontextmanager
    async def show(self, proof: Proof) -> AsyncIterator[None]:
        """For as long as the block runs, which begins when the answer can be had."""
        path = PREFIX + proof.token
        mine = proof.key_authorization.encode("ascii")
        self._answers.setdefault(path, []).append(mine)
        try:
            if self.on_change:
                await self.on_change(self._now())
            yield
        finally:
            self._answers[path].remove(mine)
            if not self._answers[path]:
                del self._answers[path]
            if self.on_change:
                self.on_change(self._now())  # nobody has to wait for this

    def _now(self) -> dict[str, bytes]:
        return {path: answers[-1] for path, answers in self._answers.items()}

    def answer(self, path: str) -> bytes | None:
        """The body for this path, or None where it belongs to whichever app serves the host."""
        answers = self._answers.get(path)
        return answers[-1] if answers else None
