"""Preflight: a look, before the CA is asked, at what it will look at.

A failure at a CA counts against its limits; this one does not.  What is found is
told; only where the CA would refuse for certain the order waits, and even then
not for ever: what is certain here may look different from outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address
from secrets import token_urlsafe
from time import monotonic

from acme_client import looks
from acme_client.authority import Authority
from acme_client.challenges.proof import Proof, Prover
from acme_client.events import Event, Found
from acme_client.failure import Failure
from acme_client.findings import Finding, Seen, of_addresses, of_caa, of_looks
from acme_client.names import read_name
from acme_client.plan import Need
from acme_client.worker import Worker

PORTS: Mapping[str, int] = {"http-01": 80, "tls-alpn-01": 443}
WITHIN = 10.0
"""Seconds for all of it; what has not been seen by then is not waited for."""
REMEMBERED = 600.0
"""Seconds for which an address that does not answer is not asked again: a hundred hosts may lead to it."""
PATIENCE = 28
"""Findings in a row, a day in all, after which the CA is asked in spite of them."""


class Preflight:
    """`everywhere`: also for private CAs, whose ports and views of the DNS nobody knows."""

    def __init__(
        self,
        log: Callable[[Event], None],
        *,
        ports: Mapping[str, int] = PORTS,
        everywhere: bool = False,
        enabled: bool = True,
        resolvers: tuple[tuple[str, int], ...] | None = None,
    ) -> None:
        self.findings: dict[str, tuple[Finding, ...]] = {}
        """By the host, of those that have no certificate yet."""
        self._log = log
        self._ports = ports
        self._everywhere = everywhere
        self._enabled = enabled
        self._resolvers = resolvers
        self._threads = Worker("preflight", 3)
        self._silent: dict[tuple[str, int], float] = {}

    def applies(self, need: Need, authority: Authority) -> bool:
        """Not to renewals: nothing that is seen from here may endanger one."""
        return self._enabled and not need.satisfied and (authority.public or self._everywhere)

    async def check(self, need: Need, prover: Prover, identities: Collection[str]) -> None:
        """Look, tell, and raise Failure where asking the CA would be in vain.

        `identities` is what the CA is called in CAA records.
        """
        found = await self._look(need.host, prover, identities)
        for finding in found:
            if not finding.certain and finding not in self.findings.get(need.host, ()):
                self._log(Found(need.host, finding.text))
        self.findings[need.host] = found
        tired = need.entry.kind == "preflight" and need.entry.failures >= PATIENCE
        if (certain := next((each for each in found if each.certain), None)) and not tired:
            raise Failure("preflight", certain.text)

    def forget(self, host: str) -> None:
        self.findings.pop(host, None)

    async def _look(self, host: str, prover: Prover, identities: Collection[str]) -> tuple[Finding, ...]:
        by_address, by_caa = await asyncio.gather(
            self._look_at_addresses(host, prover), self._look_at_caa(host, prover, identities)
        )
        return (*by_address, *by_caa)

    async def _look_at_addresses(self, host: str, prover: Prover) -> list[Finding]:
        if prover.type not in self._ports:
            return []  # a proof in the DNS: where the name leads is nothing to it
        address = read_name(host).address
        found: list[Finding] = []
        try:
            async with asyncio.timeout(WITHIN):
                addresses = (str(address),) if address else await self._threads.call(looks.addresses, host)
                found += of_addresses(host, addresses)
                found += of_looks(host, await self._look_at_ports(host, prover, addresses or ()))
        except TimeoutError:
            return found
        return found

    async def _look_at_ports(self, host: str, prover: Prover, addresses: Collection[str]) -> list[Seen]:
        """One address of each kind: the CA takes no more either."""
        of_each = {ip_address(each.partition("%")[0]).version: each for each in reversed(list(addresses))}
        token = token_urlsafe(32)
        proof = Proof(host, token, f"{token}.{token_urlsafe(32)}")
        async with prover.show(proof):
            looking = (self._look_at(prover.type, address, proof) for address in of_each.values())
            return list(await asyncio.gather(*looking))

    async def _look_at(self, kind: str, address: str, proof: Proof) -> Seen:
        place = (address, self._ports[kind])
        if monotonic() - self._silent.get(place, -REMEMBERED) < REMEMBERED:
            return Seen(*place, "silent")
        seen = await self._threads.call(looks.look, kind, *place, proof)
        if seen.who == "silent":
            self._silent[place] = monotonic()
        return seen

    async def _look_at_caa(self, host: str, prover: Prover, identities: Collection[str]) -> list[Finding]:
        if not identities or read_name(host).address:
            return []
        try:
            async with asyncio.timeout(WITHIN):
                answer = await self._threads.call(looks.caa, host, self._resolvers)
        except TimeoutError:
            return []
        return list(of_caa(host, *answer, identities, prover.type)) if answer else []
