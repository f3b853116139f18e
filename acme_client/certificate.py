"""Certificate: a chain and its key as one value; `reading` makes it of files, and never half right."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from acme_client.frozen import frozen

INTERNAL = "internal"
"""Stands where another certificate names its CA's directory: Tidegate's own CA signed it."""


class BrokenCertificate(ValueError):
    """A chain and key that cannot be served; the message says why."""


@frozen
class Certificate:
    """What an SNI table needs, and what renewing needs to know.

    `directory` is the CA that was asked (its directory URL, or "internal"):
    a certificate from the staging CA must not count once production is meant.
    """

    names: tuple[str, ...]
    chain_pem: bytes = field(repr=False)
    key_pem: bytes = field(repr=False)
    not_before: datetime
    not_after: datetime
    issuer: str
    serial: int
    directory: str

    def covers(self, host: str) -> bool:
        return host in self.names
