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
        self._answers: dict[str, bytes] = {}

    def obstacle(self, host: str) -> str:
        return "A wildcard needs the DNS-01 challenge." if host.startswith("*.") else ""

    @asynccontextmanager
    async def show(self, proof: Proof) -> AsyncIterator[None]:
        """For as long as the block runs, which begins when the answer can be had."""
        path = PREFIX + proof.token
        self._answers[path] = proof.key_authorization.encode("ascii")
        try:
            if self.on_change:
                await self.on_change(dict(self._answers))
            yield
        finally:
            self._answers.pop(path, None)
            if self.on_change:
                self.on_change(dict(self._answers))  # nobody has to wait for this

    def answer(self, path: str) -> bytes | None:
        """The body for this path, or None where it belongs to whichever app serves the host."""
        return self._answers.get(path)
