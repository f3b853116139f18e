"""Proof: what a CA has to find before it certifies a host, and who can show it (RFC 8555 8)."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from acme_client.frozen import frozen


@frozen
class Proof:
    """`host` is what the CA looks up: the name without the `*.` of a wildcard."""

    host: str
    token: str
    key_authorization: str


class Prover(Protocol):
    """One kind of challenge, spelled as a CA spells it: `http-01`."""

    @property
    def type(self) -> str: ...

    def obstacle(self, host: str) -> str:
        """Why this host, perhaps a wildcard, cannot be proven in this way, in words; empty where it can."""

    def show(self, proof: Proof) -> AbstractAsyncContextManager[None]:
        """For as long as the block runs, which begins when the CA can find the proof; may raise Failure."""
