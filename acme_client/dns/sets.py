"""Sets: providers that know the TXT values of a name only as a whole: read, changed and written back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from acme_client.dns.provider import quoted


class ValueSets(ABC):
    """`present` and `withdraw` of such a provider; values are quoted, as zone files have them."""

    holds_one = False

    def present(self, zone: str, name: str, value: str) -> None:
        before = self.values(zone, name)
        if quoted(value) not in before:
            self.write(zone, name, [*before, quoted(value)], before)

    def withdraw(self, zone: str, name: str, value: str) -> None:
        before = self.values(zone, name)
        if quoted(value) in before:
            self.write(zone, name, [each for each in before if each != quoted(value)], before)

    @abstractmethod
    def values(self, zone: str, name: str) -> list[str]:
        """What the name has now."""

    @abstractmethod
    def write(self, zone: str, name: str, values: Sequence[str], before: Sequence[str]) -> None:
        """Let the name have these values, or none at all, instead of those before."""
