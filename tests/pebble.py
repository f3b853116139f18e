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
import ssl
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.authority import Authority
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


class Pebble(Authority):
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
        super().__init__(folder)
        self.http_port, self.tls_port = http_port or free_port(), tls_port or free_port()
        self._port, self._management, self._dns, self._dns_management = (free_port() for _ in range(4))
        self._names = Challtestsrv(found.challtestsrv, f"127.0.0.1:{self._dns}", self._dns_management)
        self._looked_up_at = dns or self._dns
        self._settings = self._config(profiles or {"default": validity}, eab or {})
        self._switches = {
            "PEBBLE_WFE_NONCEREJECT": str(nonce_rejects),
            "PEBBLE_VA_SLEEPTIME": str(sleep),
            "PEBBLE_AUTHZREUSE": str(reuse),
            "PEBBLE_ALTERNATE_ROOTS": str(roots - 1),
        }
        if sleep == 0:
            self._switches["PEBBLE_VA_NOSLEEP"] = "1"

    name = "pebble"
    address = "127.0.0.1"
    """Where it looks for answers, whatever the name."""

    @property
    def directory_url(self) -> str:
        return f"https://127.0.0.1:{self._port}/dir"

    def _commands(self) -> Mapping[str, list[str]]:
        config = self._folder / "pebble.json"
        config.write_text(json.dumps({"pebble": self._settings}))
        looks_up = f"127.0.0.1:{self._looked_up_at}"
        return {
            "challtestsrv": self._names.command(),
            "pebble": [self._programs.pebble, "-strict", "-config", str(config), "-dnsserver", looks_up],
        }

    def _environment(self) -> Mapping[str, str]:
        return self._switches

    def _listens_at(self) -> Iterable[tuple[str, int]]:
        return (("127.0.0.1", port) for port in (self._management, self._dns_management, self._dns))

    def restart(self) -> None:
        """Come back without any memory of accounts and orders, and with a new root."""
        super().restart()

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
