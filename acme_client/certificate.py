"""Certificate: a chain and its key as one value, read once and never half right."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

INTERNAL = "internal"
"""Stands where another certificate names its CA's directory: Tidegate's own CA signed it."""


class BrokenCertificate(ValueError):
    """A chain and key that cannot be served; the message says why."""


@dataclass(frozen=True, slots=True)
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


def read(chain_pem: bytes, key_pem: bytes, directory: str) -> Certificate:
    """The certificate in these files, provided that the key is the leaf's own."""
    try:
        leaf = x509.load_pem_x509_certificates(chain_pem)[0]
        key = load_pem_private_key(key_pem, None)
        names = _names(leaf)
    except Exception as error:  # the parser raises ValueError, TypeError, its own kinds and more
        raise BrokenCertificate(f"not a certificate with its key: {error}") from error
    if _spki(leaf) != key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise BrokenCertificate("the key does not belong to the certificate")
    return Certificate(
        names=names,
        chain_pem=chain_pem,
        key_pem=key_pem,
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        issuer=_common_name(leaf.issuer),
        serial=leaf.serial_number,
        directory=directory,
    )


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = (str(address) for address in san.get_values_for_type(x509.IPAddress))
    return (*san.get_values_for_type(x509.DNSName), *addresses)


def _spki(leaf: x509.Certificate) -> bytes:
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _common_name(name: x509.Name) -> str:
    parts = name.get_attributes_for_oid(NameOID.COMMON_NAME) or name.get_attributes_for_oid(
        NameOID.ORGANIZATION_NAME
    )
    return str(parts[0].value) if parts else name.rfc4514_string()
