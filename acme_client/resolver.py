"""Resolver: how a host's certificate is obtained - which CAs are asked, and how they are given proof.

A host that nobody says anything of has the usual one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from acme_client.authority import Authorities
from acme_client.certificate import INTERNAL
from acme_client.challenges.proof import Prover
from acme_client.challenges.turns import in_order
from acme_client.frozen import frozen

if TYPE_CHECKING:
    from acme_client.challenges.dns01 import DNS01

USUAL = ""


@frozen
class Resolver:
    """`challenges` are the kinds that may be tried, the first one first; `dns01` shows those of the DNS."""

    authorities: Authorities
    challenges: Collection[str] = ("dns-01", "http-01")
    dns01: DNS01 | None = None

    def provers(self, answering: Sequence[Prover]) -> tuple[Prover, ...]:
        """Those of its kinds; `answering` are ours that answer to visits."""
        return in_order((*answering, *([self.dns01] if self.dns01 else ())), self.challenges)


@dataclass(frozen=True)
class Resolvers:
    """All of them: the usual one, those with names, and Tidegate's own authority."""

    usual: Resolver
    named: Mapping[str, Resolver] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, Resolver]:
        nobody = Authorities((replace(self.usual.authorities.all[0], directory=None),))
        return {USUAL: self.usual, INTERNAL: Resolver(nobody), **self.named}

    def find(self, name: str) -> Resolver:
        return self.by_name.get(name, self.usual)

    @cached_property
    def authorities(self) -> Authorities:
        """Those of all resolvers, each once."""
        every = (each for resolver in (self.usual, *self.named.values()) for each in resolver.authorities.all)
        return Authorities(tuple(every))

    def provers(self, answering: Sequence[Prover]) -> dict[str, tuple[Prover, ...]]:
        """Who gives proof, by the CA's directory; those for rehearsals are among them."""
        return {
            authority.directory: resolver.provers(answering)
            for resolver in (self.usual, *self.named.values())
            for authority in resolver.authorities.with_rehearsals
            if authority.directory
        }

    def dns01(self) -> list[DNS01]:
        """Each once, however many have it."""
        every = (each.dns01 for each in (self.usual, *self.named.values()))
        return list(dict.fromkeys(each for each in every if each))
