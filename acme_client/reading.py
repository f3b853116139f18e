"""Reading: what stands in a certificate.

Whoever needs this imports it where it is needed, in a thread: `cryptography` is 10 MB
that a program with all its certificates at hand does without.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from acme_client.certificate import BrokenCertificate, Certificate


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
    return (*(name.lower() for name in san.get_values_for_type(x509.DNSName)), *addresses)


def _spki(leaf: x509.Certificate) -> bytes:
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _common_name(name: x509.Name) -> str:
    parts = name.get_attributes_for_oid(NameOID.COMMON_NAME) or name.get_attributes_for_oid(
        NameOID.ORGANIZATION_NAME
    )
    return str(parts[0].value) if parts else name.rfc4514_string()


def leaf_der(chain_pem: bytes) -> bytes:
    return x509.load_pem_x509_certificates(chain_pem)[0].public_bytes(Encoding.DER)


def ends_at(chain_pem: bytes, name: str) -> bool:
    """Whether the root of this chain, which is not in it, or one above the leaf is called so."""
    try:
        _, *others = chain = x509.load_pem_x509_certificates(chain_pem)
    except ValueError:
        return False
    return name in {_common_name(chain[-1].issuer), *(_common_name(each.subject) for each in others)}


def certificate_id(chain_pem: bytes) -> str:
    """The certificate's name in a renewalInfo URL (RFC 9773 4.1); "" where it has none."""
    leaf = x509.load_pem_x509_certificates(chain_pem)[0]
    try:
        issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return ""
    if issuer is None:
        return ""
    serial = leaf.serial_number
    # The content of a DER INTEGER: big-endian two's complement, so one bit more for the sign.
    return f"{_base64url(issuer)}.{_base64url(serial.to_bytes(serial.bit_length() // 8 + 1, 'big'))}"


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
