"""DuckDNS: one TXT value for a whole subdomain of duckdns.org, whichever name below it is asked for."""

from __future__ import annotations

from acme_client.dns.api import API
from acme_client.dns.provider import failed
from acme_client.dns.variables import Variables

BASE = "https://www.duckdns.org"


class DuckDNS:
    name, holds_one = "duckdns", True

    def __init__(self, token: str, base: str = BASE) -> None:
        self._token = token
        self._api = API("DuckDNS", base, "DUCKDNS_TOKEN", secrets=(token,))

    @classmethod
    def read(cls, variables: Variables) -> DuckDNS:
        return cls(variables.need("DUCKDNS_TOKEN"))

    def present(self, zone: str, name: str, value: str) -> None:
        self._update(name, {"txt": value})

    def withdraw(self, zone: str, name: str, value: str) -> None:
        self._update(name, {"txt": value, "clear": "true"})

    def _update(self, name: str, change: dict[str, str]) -> None:
        if not name.endswith(".duckdns.org"):
            raise failed(f"DuckDNS has only names that end in .duckdns.org, and {name} does not.")
        domain = name.removesuffix(".duckdns.org").rpartition(".")[2]
        answer = self._api.ask("GET", "/update", query={"domains": domain, "token": self._token, **change})
        if not answer.text.startswith("OK"):
            raise failed(
                f"DuckDNS did not accept the record for {domain}.duckdns.org:"
                " does the account of DUCKDNS_TOKEN have that domain?"
            )
