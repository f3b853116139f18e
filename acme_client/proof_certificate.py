"""Proof certificate: a key authorization in the form that TLS can show (RFC 8737 3)."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from acme_client.challenges.proof import Proof
from acme_client.challenges.tlsalpn01 import ProofCertificate
from acme_client.keys import general_name, pem

ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
OCTET_STRING = b"\x04"

# No CA looks at the dates (RFC 8737 names none), so no clock is asked for them.
BEGIN, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)


def make(proof: Proof) -> ProofCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME challenge")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .add_extension(x509.SubjectAlternativeName([general_name(proof.host)]), critical=False)
        .add_extension(x509.UnrecognizedExtension(ACME_IDENTIFIER, digest(proof)), critical=True)
    )
    signed = builder.sign(key, hashes.SHA256())
    return ProofCertificate(signed.public_bytes(Encoding.PEM), pem(key))


def digest(proof: Proof) -> bytes:
    """The extension's value: the SHA-256 of the key authorization as a DER octet string."""
    value = sha256(proof.key_authorization.encode("ascii")).digest()
    return OCTET_STRING + bytes([len(value)]) + value
