"""TLS-ALPN-01: the certificates that the CA may be shown at this moment (RFC 8737 and 8738)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import field

from acme_client.challenges.proof import Proof
from acme_client.frozen import frozen
from acme_client.names import read_name


@frozen
class ProofCertificate:
    """Self-signed, and good for nothing but this proof."""

    chain_pem: bytes
    key_pem: bytes = field(repr=False)


def server_name(host: str) -> str:
    """What the CA asks for in its hello: an address by its name in the reverse DNS (RFC 8738 6)."""
    address = read_name(host).address
    return address.reverse_pointer if address else host


class TLSALPN01:
    """Server name -> certificate, while a challenge is open."""

    type = "tls-alpn-01"

    def __init__(self) -> None:
        self.on_change: Callable[[Mapping[str, ProofCertificate]], Awaitable[None]] | None = None
        """Told of all of them, by the server name, whenever they change.

        They are for clients that offer the protocol `acme-tls/1` and no other.
        What it returns is done when they are shown wherever the CA may ask.
        """
        self._shown: dict[str, list[ProofCertificate]] = {}
        """By name, one for each who shows it; the last one is seen."""

    def obstacle(self, host: str) -> str:
        return "A wildcard needs the DNS-01 challenge." if host.startswith("*.") else ""

    @asynccontextmanager
    async def show(self, proof: Proof) -> AsyncIterator[None]:
        """For as long as the block runs, which begins when the certificate can be seen."""
        from acme_client.proof_certificate import make

        name = server_name(proof.host)
        mine = make(proof)
        self._shown.setdefault(name, []).append(mine)
        try:
            if self.on_change:
                await self.on_change(self._now())
            yield
        finally:
            self._shown[name].remove(mine)
            if not self._shown[name]:
                del self._shown[name]
            if self.on_change:
                self.on_change(self._now())  # nobody has to wait for this

    def _now(self) -> dict[str, ProofCertificate]:
        return {name: shown[-1] for name, shown in self._shown.items()}
