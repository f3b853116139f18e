"""Caddy: a second real ACME CA on loopback, of other authors than Pebble, for tests.

    with Caddy(folder) as ca:
        ca.directory_url, ca.ca_bundle, ca.address

It looks at answers while it is told of them, keeps its accounts and orders on
disk, and has neither renewal information nor profiles nor a `meta`.  It asks at
ports 80 and 443 alone and at the system's own name server, so it runs with a
resolv.conf that only it sees, by which every name leads to an address of
127.0.0.0/8 that is this CA's alone.  That takes root.  `scripts/caddy` installs it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.authority import Authority
from tests.challtestsrv import Challtestsrv
from tests.pebble import find_programs
from tests.program import free_port

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "caddy"

CONFIG = """\
{{
  admin off
  auto_https off
  skip_install_trust
  https_port {port}
  storage file_system {folder}/store
  pki {{
    ca second {{
      name "Second CA (tests only)"
    }}
  }}
}}
https://127.0.0.1:{port} {{
  bind 127.0.0.1
  tls {folder}/endpoint.pem {folder}/endpoint.key
  acme_server {{
    ca second{more}
  }}
}}
"""

ASK_ONLY = "mount --bind {resolv} /etc/resolv.conf && exec {caddy} run --adapter caddyfile --config {config}"


def find_caddy() -> str | None:
    """The newest Caddy that `scripts/caddy` found or installed; None where there is none."""
    return shutil.which("caddy", path=f"{CACHE}{os.pathsep}{os.environ.get('PATH', '')}")


class Caddy(Authority):
    """`lifetime` is that of its certificates in minutes, five at least; `resolver` has the TXT records.

    An older release that does not take one of them raises `Older` at its start.
    """

    name = "caddy"
    http_port, tls_port = 80, 443

    def __init__(self, folder: Path, *, lifetime: int = 0, resolver: str = "") -> None:
        program, pebble = find_caddy(), find_programs()
        if program is None or pebble is None:
            raise FileNotFoundError("caddy or pebble is not installed: run scripts/caddy and scripts/pebble")
        super().__init__(folder)
        self._program = program
        self._lifetime, self._resolver = lifetime, resolver
        self._port = free_port()
        unique = f"{self._port >> 8}.{self._port & 255}"
        self.address = f"127.80.{unique}"
        """Where it looks for answers, whatever the name."""
        self.names = Challtestsrv(pebble.challtestsrv, f"127.53.{unique}:53", free_port(), self.address)

    @property
    def directory_url(self) -> str:
        return f"https://127.0.0.1:{self._port}/acme/second/directory"

    def _commands(self) -> Mapping[str, list[str]]:
        if (self._lifetime or self._resolver) and self._version() < (2, 7):  # it would say nothing
            raise Older("this Caddy takes neither a lifetime nor a resolver (needs 2.7)")
        self._write_config()
        places = {name: self._folder / name for name in ("resolv.conf", "Caddyfile")}
        places["resolv.conf"].write_text(f"nameserver {self.names.listens.removesuffix(':53')}\n")
        script = ASK_ONLY.format(
            resolv=places["resolv.conf"], caddy=self._program, config=places["Caddyfile"]
        )
        alone = ["unshare", "-m", "--propagation", "private", "sh", "-c", script]
        return {"challtestsrv": self.names.command(), "caddy": alone}

    def _environment(self) -> Mapping[str, str]:
        home = str(self._folder / "home")
        return {"XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home, "HOME": home, "GODEBUG": "netdns=go"}

    def _listens_at(self) -> Iterable[tuple[str, int]]:
        return (self.names.listens.removesuffix(":53"), 53), ("127.0.0.1", self.names.management)

    def forget(self) -> None:
        """Come back without its accounts and orders."""
        self.stop()
        shutil.rmtree(self._folder / "home" / "caddy" / "acme_server")
        self.start()

    def issuing_root(self) -> str:
        """The root that issued certificates are verified with, in PEM."""
        return (self._folder / "store/pki/authorities/second/root.crt").read_text()

    def _write_config(self) -> None:
        more = f"\n    lifetime {self._lifetime}m" if self._lifetime else ""
        more += f"\n    resolvers {self._resolver}" if self._resolver else ""
        text = CONFIG.format(port=self._port, folder=self._folder, more=more)
        (self._folder / "Caddyfile").write_text(text)

    def _version(self) -> tuple[int, ...]:
        said = subprocess.run([self._program, "version"], capture_output=True, text=True, check=True).stdout
        return tuple(map(int, re.findall(r"\d+", said)[:2]))


class Older(Exception):
    """The installed Caddy lacks what was asked for."""
