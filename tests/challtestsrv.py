"""Challtestsrv: a DNS server that knows every name, until a test says otherwise; it comes with Pebble."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from typing import Any


class Challtestsrv:
    """Every name leads to `leads_to`, until something else is said."""

    def __init__(self, program: str, listens: str, management: int, leads_to: str = "127.0.0.1") -> None:
        self._program, self.listens, self.management, self._leads_to = program, listens, management, leads_to

    def command(self) -> list[str]:
        """Its IPv6 answer is switched off: CAs begin with that address, and some of them try no other."""
        offered = subprocess.run([self._program, "-help"], capture_output=True, text=True, check=False)
        newer = "-dnsserver" in offered.stderr + offered.stdout
        return [
            self._program,
            *(("-dnsserver" if newer else "-dns01"), self.listens),
            *(("-doh", "") if newer else ()),
            *("-http01", "", "-https01", "", "-tlsalpn01", ""),
            *("-management", f"127.0.0.1:{self.management}"),
            *("-defaultIPv4", self._leads_to, "-defaultIPv6", ""),
        ]

    def send_name_to(self, host: str, *addresses: str) -> None:
        """Let this name lead elsewhere; without an address it has none."""
        kind = "set-servfail" if not addresses else "add-aaaa" if ":" in addresses[0] else "add-a"
        self._tell(kind, host=f"{host}.", addresses=list(addresses))

    def allow_only(self, name: str, *authorities: str) -> None:
        """CAA records for this name."""
        policies = [{"tag": "issue", "value": authority} for authority in authorities]
        self._tell("add-caa", host=f"{name}.", policies=policies)

    def add_text(self, name: str, value: str) -> None:
        self._tell("set-txt", host=f"{name}.", value=value)

    def clear_text(self, name: str) -> None:
        """All values of this name go."""
        self._tell("clear-txt", host=f"{name}.")

    def _tell(self, what: str, **document: Any) -> None:
        body = json.dumps(document).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.management}/{what}", body)
        with urllib.request.urlopen(request, timeout=5):
            return
