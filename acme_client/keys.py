"""Keys: of the account and of each certificate, and the request to sign one.  For orders only."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from acme_client.failure import Failure
from acme_client.names import read_name


def new_key() -> bytes:
    """P-256; new for every certificate: a key that was stolen is of no use after the next renewal."""
    return pem(ec.generate_private_key(ec.SECP256R1()))


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def usable(key_pem: bytes) -> bool:
    try:
        return isinstance(load_pem_private_key(key_pem, None), ec.EllipticCurvePrivateKey)
    except (ValueError, TypeError):
        return False


def general_name(host: str) -> x509.GeneralName:
    """The host as a certificate holds it: a name or an address."""
    address = read_name(host).address
    return x509.IPAddress(address) if address else x509.DNSName(host)


def signing_request(host: str, key_pem: str) -> bytes:
    """The signing request in DER; without a common name, which has no more than 64 characters."""
    key = load_pem_private_key(key_pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Failure("validation", f"The stored key of the order for {host} is of another kind.")
    names = x509.SubjectAlternativeName([general_name(host)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.add_extension(names, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
