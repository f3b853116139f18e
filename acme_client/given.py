"""Given: certificates of the owner's own, which win over whatever could be ordered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime

from acme_client.certificate import Certificate
from acme_client.frozen import frozen

OWN = "own"
"""Stands where another certificate names its CA's directory: the owner has put it there."""


@frozen
class Given:
    """By the names in them; of two for one name the one that lasts longer."""

    by_name: Mapping[str, Certificate] = field(default_factory=dict)

    @classmethod
    def of(cls, certificates: Iterable[Certificate]) -> Given:
        lasting = sorted(certificates, key=lambda each: each.not_after)
        return cls({name: each for each in lasting for name in each.names})

    def find(self, host: str, now: datetime) -> Certificate | None:
        """The one for this host, its own name before the wildcard one label up; none that has run out."""
        for name in (host, f"*.{host.partition('.')[2]}"):
            if (found := self.by_name.get(name)) and found.not_before <= now < found.not_after:
                return found
        return None

    def good(self, now: datetime) -> Iterator[tuple[str, Certificate]]:
        """Each name with its certificate, also where no router names it: a pattern may take it."""
        for name, each in self.by_name.items():
            if each.not_before <= now < each.not_after:
                yield name, each
