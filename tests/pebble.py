"""Pebble: a real ACME CA on loopback, for tests and for the demo.

    with Pebble(folder) as ca:
        ca.directory_url, ca.ca_bundle, ca.http_port

Every name leads to 127.0.0.1, and the CA looks for HTTP-01 answers at
`http_port` and for TLS-ALPN-01 proofs at `tls_port`.  Needs `cryptography` and
nothing else.  `scripts/pebble` installs the programs.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.challtestsrv import Challtestsrv
from tests.program import free_port

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "pebble"


@dataclass(frozen=True)
class Programs:
    pebble: str
    challtestsrv: str


def find_programs() -> Programs | None:
    """The newest Pebble that `scripts/pebble` found or installed; None where there is none."""
    path = f"{CACHE}{os.pathsep}{os.environ.get('PATH', '')}"
    pebble, challtestsrv = shutil.which("pebble", path=path), shutil.which("pebble-challtestsrv", path=path)
    return Programs(pebble, challtestsrv) if pebble and challtestsrv else None


class Pebble:
    """A CA that forgets everything when it stops, but comes back at the same address.

    `nonce_rejects` is the share of good nonces that it refuses, in per cent;
    `sleep` the seconds up to which it waits before it looks at an answer;
    `reuse` the share of authorizations that it still remembers.  `validity` is
    the lifetime of its certificates in seconds, `profiles` several of them by name.
    `eab` maps key ids to keys; `roots` is how many of them a chain may lead to.
    `dns` is the port of a server on loopback to look names up at, instead of
    the one that knows them all.
    """

    def __init__(
        self,
        folder: Path,
        *,
        http_port: int | None = None,
        tls_port: int | None = None,
        validity: int = 90 * 86400,
        nonce_rejects: int = 5,
        sleep: int = 3,
        reuse: int = 50,
        eab: Mapping[str, str] | None = None,
        dns: int | None = None,
        profiles: Mapping[str, int] | None = None,
        roots: int = 1,
        programs: Programs | None = None,
    ) -> None:
        found = programs or find_programs()
        if found is None:
            raise FileNotFoundError("pebble is not installed: run scripts/pebble")
        self._programs = found
        self._folder = folder
        self.http_port, self.tls_port = http_port or free_port(), tls_port or free_port()
        self._port, self._management, self._dns, self._dns_management = (free_port() for _ in range(4))
        self._names = Challtestsrv(found.challtestsrv, f"127.0.0.1:{self._dns}", self._dns_management)
        self._looked_up_at = dns or self._dns
        self._settings = self._config(profiles or {"default": validity}, eab or {})
        self._environment = {
            "PEBBLE_WFE_NONCEREJECT": str(nonce_rejects),
            "PEBBLE_VA_SLEEPTIME": str(sleep),
            "PEBBLE_AUTHZREUSE": str(reuse),
            "PEBBLE_ALTERNATE_ROOTS": str(roots - 1),
        }
        if sleep == 0:
            self._environment["PEBBLE_VA_NOSLEEP"] = "1"
        self._running: list[subprocess.Popen[bytes]] = []

    address = "127.0.0.1"
    """Where it looks for answers, whatever the name."""

    @property
    def directory_url(self) -> str:
        return f"https://127.0.0.1:{self._port}/dir"

    @property
    def ca_bundle(self) -> Path:
        """What the endpoint's own certificate is to be verified with."""
        return self._folder / "endpoint-ca.pem"

    @property
    def log(self) -> str:
        return (self._folder / "pebble.log").read_text(errors="replace")

    def __enter__(self) -> Pebble:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self.ca_bundle.exists():
            write_endpoint(self._folder)
        (self._folder / "pebble.json").write_text(json.dumps({"pebble": self._settings}))
        self._run("challtestsrv", self._names.command())
        self._run(
            "pebble",
            [
                self._programs.pebble,
                *("-strict", "-config", str(self._folder / "pebble.json")),
                *("-dnsserver", f"127.0.0.1:{self._looked_up_at}"),
            ],
        )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(timeout=30)
        self._running.clear()

    def restart(self) -> None:
        """Come back without any memory of accounts and orders, and with a new root."""
        self.stop()
        self.start()

    @staticmethod
    def binary() -> str | None:
        """The program that would be started; None where there is none."""
        programs = find_programs()
        return programs.pebble if programs else None

    def issuing_root(self, number: int = 0) -> str:
        """The root that issued certificates are verified with, in PEM; a new one at each start."""
        return self._get(f"https://127.0.0.1:{self._management}/roots/{number}").decode()

    def certificate_status(self, serial: int) -> dict[str, Any]:
        """What the CA says of a certificate of its: Status, and Reason where it is revoked."""
        url = f"https://127.0.0.1:{self._management}/cert-status-by-serial/{serial:x}"
        document = json.loads(self._get(url))
        assert isinstance(document, dict)
        return document

    def directory(self) -> dict[str, Any]:
        """Ask the program what it can do: releases differ (renewalInfo, profiles)."""
        document = json.loads(self._get(self.directory_url))
        assert isinstance(document, dict)
        return document

    def send_name_to(self, host: str, *addresses: str) -> None:
        """Let this name lead elsewhere; without an address it has none."""
        self._names.send_name_to(host, *addresses)

    def set_renewal_info(self, chain_pem: bytes, answer: str) -> None:
        """Say this when asked about renewing the certificate (Pebble 2.8)."""
        body = json.dumps({"certificate": chain_pem.decode(), "ariResponse": answer}).encode()
        trust = ssl.create_default_context(cafile=str(self.ca_bundle))
        request = urllib.request.Request(f"https://127.0.0.1:{self._management}/set-renewal-info/", body)
        with urllib.request.urlopen(request, timeout=5, context=trust):
            return

    @property
    def resolver(self) -> tuple[str, int]:
        """The DNS server in which the CA looks."""
        return "127.0.0.1", self._dns

    def allow_only(self, name: str, *authorities: str) -> None:
        """CAA records for this name.  Pebble itself does not look at them."""
        self._names.allow_only(name, *authorities)

    def _config(self, profiles: Mapping[str, int], eab: Mapping[str, str]) -> dict[str, Any]:
        """One file for all releases: each ignores what it does not know."""
        settings: dict[str, Any] = {
            "listenAddress": f"127.0.0.1:{self._port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(self._folder / "endpoint.pem"),
            "privateKey": str(self._folder / "endpoint.key"),
            "httpPort": self.http_port,
            "tlsPort": self.tls_port,
            "certificateValidityPeriod": next(iter(profiles.values())),
            # Where several are offered and none is named, it picks one at random.
            "profiles": {
                name: {"description": name, "validityPeriod": seconds} for name, seconds in profiles.items()
            },
            "retryAfter": {"authz": 1, "order": 1},
        }
        if eab:
            settings |= {"externalAccountBindingRequired": True, "externalAccountMACKeys": dict(eab)}
        return settings

    def _run(self, name: str, command: list[str]) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    env=os.environ | self._environment,
                )
            )

    def _wait_until_it_answers(self, within: float = 60.0) -> None:
        deadline = time.monotonic() + within
        while True:
            for process in self._running:
                if process.poll() is not None:
                    raise RuntimeError(f"{process.args[0]!r} ended at once:\n{self.log[-2000:]}")  # type: ignore[index]
            try:
                self.directory()
                # A name that cannot be looked up yet would be a failed proof.
                for port in (self._management, self._dns_management, self._dns):
                    with socket.create_connection(("127.0.0.1", port), timeout=1):
                        continue
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"pebble does not answer: {error}\n{self.log[-2000:]}") from error
            time.sleep(0.05)

    def _get(self, url: str) -> bytes:
        trust = ssl.create_default_context(cafile=str(self.ca_bundle))
        request = urllib.request.Request(url, headers={"User-Agent": "tidegate-tests"})
        with urllib.request.urlopen(request, timeout=5, context=trust) as response:
            data = response.read()
        assert isinstance(data, bytes)
        return data


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
