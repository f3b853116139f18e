"""Authority: what real CAs that tests start have in common: programs in a folder, a log, an endpoint."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ANSWERS_WITHIN = 60.0
STOPS_WITHIN = 30.0


class Authority(ABC):
    name: str
    """Of its program, in messages and as that of its log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    @abstractmethod
    def directory_url(self) -> str: ...

    @abstractmethod
    def _commands(self) -> Mapping[str, list[str]]:
        """What to start, in this order, by the names of the logs; files that it reads are written here."""

    @abstractmethod
    def _environment(self) -> Mapping[str, str]: ...

    @abstractmethod
    def _listens_at(self) -> Iterable[tuple[str, int]]:
        """What has to listen before the first order: a name not yet to be looked up is a failed proof."""

    @property
    def ca_bundle(self) -> Path:
        """What the endpoint's own certificate is to be verified with."""
        return self._folder / "endpoint-ca.pem"

    @property
    def log(self) -> str:
        return (self._folder / f"{self.name}.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self.ca_bundle.exists():
            write_endpoint(self._folder)
        for name, command in self._commands().items():
            self._run(name, command)
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(timeout=STOPS_WITHIN)
        self._running.clear()

    def restart(self) -> None:
        """Come back with what is left of its memory."""
        self.stop()
        self.start()

    def directory(self) -> dict[str, Any]:
        """Ask the program what it can do: releases differ (renewalInfo, profiles)."""
        document = json.loads(self._get(self.directory_url))
        assert isinstance(document, dict)
        return document

    def _get(self, url: str) -> bytes:
        trust = ssl.create_default_context(cafile=str(self.ca_bundle))
        request = urllib.request.Request(url, headers={"User-Agent": "tidegate-tests"})
        with urllib.request.urlopen(request, timeout=5, context=trust) as response:
            data = response.read()
        assert isinstance(data, bytes)
        return data

    def _run(self, name: str, command: list[str]) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    env=os.environ | self._environment(),
                )
            )

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + ANSWERS_WITHIN
        while True:
            for process in self._running:
                if process.poll() is not None:
                    raise RuntimeError(f"{process.args!r} ended at once:\n{self.log[-2000:]}")
            try:
                self.directory()
                for place in self._listens_at():
                    with socket.create_connection(place, timeout=1):
                        continue
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} does not answer: {error}\n{self.log[-2000:]}") from error
            time.sleep(0.05)


def write_endpoint(folder: Path) -> None:
    """A CA and a leaf for Pebble's own address; they have nothing to do with what it issues."""
    now = datetime.now(UTC)  # noqa: TID251 - a certificate that real clients verify now
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Pebble endpoint CA (tests only)")])
    ca = _builder(ca_name, ca_name, ca_key, ca_key, now)
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ca = ca.add_extension(_usage(signs=True), critical=True)
    leaf = _builder(x509.Name([]), ca_name, key, ca_key, now)
    names = [x509.DNSName("localhost"), x509.DNSName("pebble"), x509.IPAddress(ip_address("127.0.0.1"))]
    leaf = leaf.add_extension(x509.SubjectAlternativeName(names), critical=True)
    leaf = leaf.add_extension(_usage(signs=False), critical=True)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "endpoint.key").write_bytes(pem)
    (folder / "endpoint.pem").write_bytes(leaf.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / "endpoint-ca.pem").write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not signs, False, False, False, False, signs, signs, False, False)
