"""Own CA: Tidegate's own authority, known by a glance until it has something to sign.

To sign takes `cryptography`, 10 MB; most of the time there is nothing to sign.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acme_client.certificate import Certificate
from acme_client.events import RootReplaced
from acme_client.frozen import frozen
from acme_client.reach import ROOT_LEFT, reach_of

if TYPE_CHECKING:
    from acme_client.internal_ca import InternalCA

END = b"-----END CERTIFICATE-----\n"


@frozen
class Glance:
    """A root as far as the standard library reads it; no two roots have the same name."""

    name: str
    not_before: datetime
    not_after: datetime

    def lasts(self, now: datetime) -> bool:
        return self.not_before <= now <= self.not_after - ROOT_LEFT


class OwnCA:
    """Every method blocks, and more so when it signs first: call it from a worker thread."""

    def __init__(self, data: Path, *, limited: bool) -> None:
        self._data = data
        self._limited = limited
        self._signer: InternalCA | None = None

    def leaf(self, hosts: Sequence[str], now: datetime) -> Certificate:
        """A new certificate with a new key for these names and addresses; ValueError where none can be."""
        return self._signing().leaf(hosts, now)

    def signed(self, certificate: Certificate, now: datetime) -> bool:
        """Whether the root of today signed this leaf: it may have been deleted and made again."""
        root = None if self._signer else self._glance(certificate.names)
        if root and root.lasts(now):
            return root.name == certificate.issuer
        return self._signing().signed(certificate, now)

    @property
    def trouble(self) -> OSError | None:
        """Why a root lives in memory only."""
        return self._signer.trouble if self._signer else None

    def take_replaced(self) -> list[RootReplaced]:
        """What people who trusted a root have to be told, once."""
        if self._signer is None:
            return []
        told, self._signer.replaced = self._signer.replaced, []
        return told

    def _signing(self) -> InternalCA:
        if self._signer is None:
            from acme_client.internal_ca import InternalCA

            self._signer = InternalCA(self._data, limited=self._limited)
        return self._signer

    def _glance(self, names: Sequence[str]) -> Glance | None:
        """The root for these names, if there is nothing to be done about it."""
        folder, reach = self._data / "internal", reach_of(names, limited=self._limited)
        try:
            root, end, key = (folder / reach / "root-and-key.pem").read_bytes().partition(END)
            handed_out = (folder / "root.pem").read_bytes()
        except OSError:
            return None
        trusted = reach_of((), limited=self._limited)
        if b"PRIVATE KEY-----" not in key or (reach == trusted and handed_out != root + end):
            return None
        return glance(root + end)


def glance(root_pem: bytes) -> Glance | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=root_pem.decode())
        [root] = context.get_ca_certs()
        return Glance(_common_name(root), _moment(str(root["notBefore"])), _moment(str(root["notAfter"])))
    except (ssl.SSLError, ValueError, KeyError):
        return None


def _common_name(root: Any) -> str:
    [name] = [value for part in root["subject"] for key, value in part if key == "commonName"]
    return str(name)


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
