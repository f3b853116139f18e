"""Signing: how the internal CA's roots and leaves are made."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from acme_client.certificate import INTERNAL, Certificate
from acme_client.frozen import frozen
from acme_client.keys import pem
from acme_client.names import LOCAL_SUFFIXES, read_name
from acme_client.reach import PRIVATE_NETWORKS, ROOT_LEFT, Reach
from acme_client.reading import read

ROOT_LIFE = timedelta(days=3650)
BACKDATED = timedelta(hours=1)
"""For clients whose clocks are behind."""


@frozen
class Root:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_root(reach: Reach, now: datetime) -> Root:
    key = ec.generate_private_key(ec.SECP256R1())
    title = "Tidegate internal CA" if reach == "local" else "Tidegate internal CA (any name)"
    # The random part keeps roots apart: a client that trusts an old one of the
    # same name would otherwise complain of a bad signature, not of a strange CA.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{title} {os.urandom(3).hex()}")])
    builder = _builder(
        name, name, key.public_key(), now - timedelta(days=1), now + ROOT_LIFE, key.public_key()
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    if reach == "local":
        builder = builder.add_extension(_local_names_only(), critical=True)
    return Root(builder.sign(key, hashes.SHA256()), key)


def _local_names_only() -> x509.NameConstraints:
    """RFC 5280 4.2.1.10: "localhost" permits that name and all below it."""
    names: list[x509.GeneralName] = [x509.DNSName(suffix) for suffix in LOCAL_SUFFIXES]
    addresses = [x509.IPAddress(network) for network in PRIVATE_NETWORKS]
    return x509.NameConstraints(permitted_subtrees=[*names, *addresses], excluded_subtrees=None)


def sign_leaf(root: Root, hosts: Sequence[str], now: datetime, life: timedelta) -> Certificate:
    """A certificate with a new key for these names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _leaf(root, key, hosts, now, life)
    return read(leaf.public_bytes(Encoding.PEM), pem(key), INTERNAL)


def _leaf(
    root: Root, key: ec.EllipticCurvePrivateKey, hosts: Sequence[str], now: datetime, life: timedelta
) -> x509.Certificate:
    """Without a subject: OpenSSL holds a common name against a root's limits, where an address would fail."""
    issuer = root.certificate.subject
    builder = _builder(
        x509.Name([]),
        issuer,
        key.public_key(),
        now - BACKDATED,
        now + life - BACKDATED,
        root.key.public_key(),
    )
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=True
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(root.key, hashes.SHA256())


def _general(host: str) -> x509.GeneralName:
    address = read_name(host).address
    return x509.IPAddress(address) if address is not None else x509.DNSName(host)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    not_before: datetime,
    not_after: datetime,
    signer: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def public_pem(root: Root) -> bytes:
    return root.certificate.public_bytes(Encoding.PEM)


def read_root(text: bytes) -> Root | None:
    """The root in this file; None where it is none, or the key is not its own."""
    try:
        key = load_pem_private_key(text, None)
        certificate = x509.load_pem_x509_certificate(text)
        own = isinstance(key, ec.EllipticCurvePrivateKey) and certificate.public_key() == key.public_key()
    except Exception:  # the parser raises ValueError, TypeError, its own kinds and more
        return None
    return Root(certificate, key) if own and isinstance(key, ec.EllipticCurvePrivateKey) else None


def lasts(root: x509.Certificate, now: datetime) -> bool:
    """A root made under a wrong clock may begin in the future."""
    return root.not_valid_before_utc <= now <= root.not_valid_after_utc - ROOT_LEFT


def issued(root: Root, leaf_pem: bytes) -> bool:
    """Whether the root signed this leaf."""
    leaf = x509.load_pem_x509_certificates(leaf_pem)[0]
    try:
        leaf.verify_directly_issued_by(root.certificate)
    except Exception:  # cryptography raises ValueError, TypeError or InvalidSignature
        return False
    return True
