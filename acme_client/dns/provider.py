"""Provider: whoever serves a zone and can be told to add a TXT record to it."""

from __future__ import annotations

from typing import Protocol

from acme_client.failure import Failure

TTL = 60
"""Seconds, where a provider does not want more: nobody needs the record for longer."""


class Provider(Protocol):
    """Every call blocks, ends within two minutes, and raises Failure where it comes to nothing.

    `zone` and `name` are absolute and without the dot at their end:
    `example.com`, `_acme-challenge.www.example.com`.
    """

    @property
    def name(self) -> str:
        """As the setting spells it."""

    @property
    def holds_one(self) -> bool:
        """Whether a name has room for one value only, so that proofs have to wait for each other."""

    def present(self, zone: str, name: str, value: str) -> None:
        """Add this value to whatever the name has; a wildcard and its apex share a name."""

    def withdraw(self, zone: str, name: str, value: str) -> None:
        """Remove this value alone; one that is not there any more is no failure."""


def failed(cause: str, detail: str = "", retry_after: float | None = None) -> Failure:
    """No CA was asked, and the order still stands."""
    return Failure("dns", cause, detail=detail, retry_after=retry_after, wide=False)


def relative(name: str, zone: str, apex: str = "@") -> str:
    """The name as it is written inside of its zone."""
    return apex if name == zone else name.removesuffix(f".{zone}")


def quoted(value: str) -> str:
    """A TXT value as zone files have it."""
    return f'"{value}"'
