"""Internal CA: certificates for names that no public CA can certify, and for those that still wait.

There are two roots, each made when first needed.  The one that people are
asked to trust may sign local names and private addresses only, so whoever
steals its key cannot pose as their bank.  Single labels and public names cannot
be described in such limits; they are signed by the other root, which nobody
needs to trust unless all certificates are to come from here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from acme_client.certificate import INTERNAL, Certificate, read
from acme_client.disk import make_folder, replace_file
from acme_client.names import LOCAL_SUFFIXES, read_name, within

Reach = Literal["local", "any"]

ROOT_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=60)
BACKDATED = timedelta(hours=1)
"""For clients whose clocks are behind."""

PRIVATE_NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",  # RFC 6598; overlay networks give out these
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


@dataclass(frozen=True, slots=True)
class _Root:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class InternalCA:
    """Signs leaves.  Every method blocks (files, keys): call it from a worker thread.

    `data` None, or a folder that cannot be written, gives roots that live in memory only.
    `limited` False signs everything with the unlimited root: for an
    installation whose only CA this is.
    """

    def __init__(self, data: Path | None, *, limited: bool = True) -> None:
        self._folder = data / "internal" if data else None
        self._limited = limited
        self._trusted: Reach = "local" if limited else "any"
        self._roots: dict[Reach, _Root] = {}
        self._unsaved: set[Reach] = set()
        self.trouble: OSError | None = None
        """Why a root lives in memory only."""

    @property
    def root_path(self) -> Path | None:
        """The root certificate that people are asked to trust; there once it was needed."""
        return self._folder / "root.pem" if self._folder else None

    def root_pem(self, now: datetime) -> bytes:
        """That root certificate, made now if it was not needed before."""
        return self._root(self._trusted, now).certificate.public_bytes(Encoding.PEM)

    def reach_for(self, hosts: Sequence[str]) -> Reach:
        return "local" if self._limited and all(map(_is_local, hosts)) else "any"

    def leaf(self, hosts: Sequence[str], now: datetime, life: timedelta = LEAF_LIFE) -> Certificate:
        """A new certificate with a new key for these names and addresses."""
        root = self._root(self.reach_for(hosts), now)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign_leaf(root, key, hosts, now, life)
        return read(certificate.public_bytes(Encoding.PEM), _key_pem(key), INTERNAL)

    def signed(self, certificate: Certificate, now: datetime) -> bool:
        """Whether the root of today signed this leaf: it may have been deleted and made again."""
        leaf = x509.load_pem_x509_certificates(certificate.chain_pem)[0]
        root = self._root(self.reach_for(certificate.names), now)
        try:
            leaf.verify_directly_issued_by(root.certificate)
        except Exception:  # cryptography raises ValueError, TypeError or InvalidSignature
            return False
        return True

    def _root(self, reach: Reach, now: datetime) -> _Root:
        """The root, made anew where it is missing, broken or in its last year."""
        root = self._roots.get(reach) or self._load(reach)
        if root is None or not _lasts(root.certificate, now):
            root = _make_root(reach, now)
            self._unsaved.add(reach)
        self._roots[reach] = root
        if reach in self._unsaved:
            self._save(reach, root)
        return root

    def _load(self, reach: Reach) -> _Root | None:
        if self._folder is None:
            return None
        try:
            text = (self._folder / reach / "root-and-key.pem").read_bytes()
            key = load_pem_private_key(text, None)
            certificate = x509.load_pem_x509_certificate(text)
        except (OSError, ValueError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            return None
        root = _Root(certificate, key)
        if reach == self._trusted and not self._handed_out(root):
            self._unsaved.add(reach)  # the installation's CA was switched on or off meanwhile
        return root

    def _handed_out(self, root: _Root) -> bool:
        path = self.root_path
        return (
            path is not None
            and path.exists()
            and path.read_bytes() == root.certificate.public_bytes(Encoding.PEM)
        )

    def _save(self, reach: Reach, root: _Root) -> None:
        """Root and key are one file, so that no crash can leave one without the other.

        The copies without the key are for handing out.  A folder that cannot
        be written is tried again with the next leaf.
        """
        if self._folder is None:
            return
        folder = self._folder / reach
        public = root.certificate.public_bytes(Encoding.PEM)
        try:
            make_folder(folder)
            replace_file(folder / "root-and-key.pem", public + _key_pem(root.key))
            replace_file(folder / "root.pem", public)
            if reach == self._trusted:
                replace_file(self._folder / "root.pem", public)
        except OSError as error:
            self.trouble = error
        else:
            self.trouble = None
            self._unsaved.discard(reach)


def _lasts(root: x509.Certificate, now: datetime) -> bool:
    """A root made under a wrong clock may begin in the future."""
    return root.not_valid_before_utc <= now <= root.not_valid_after_utc - timedelta(days=365)


def _is_local(host: str) -> bool:
    address = read_name(host).address
    if address is not None:
        return any(address in network for network in PRIVATE_NETWORKS if network.version == address.version)
    return within(host.removeprefix("*."), LOCAL_SUFFIXES)


def _make_root(reach: Reach, now: datetime) -> _Root:
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
    return _Root(builder.sign(key, hashes.SHA256()), key)


def _local_names_only() -> x509.NameConstraints:
    """RFC 5280 4.2.1.10: "localhost" permits that name and all below it."""
    names: list[x509.GeneralName] = [x509.DNSName(suffix) for suffix in LOCAL_SUFFIXES]
    addresses = [x509.IPAddress(network) for network in PRIVATE_NETWORKS]
    return x509.NameConstraints(permitted_subtrees=[*names, *addresses], excluded_subtrees=None)


def _sign_leaf(
    root: _Root, key: ec.EllipticCurvePrivateKey, hosts: Sequence[str], now: datetime, life: timedelta
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


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
