"""Hetzner: the DNS of the Hetzner Cloud API, which adds and removes single values of a set."""

from __future__ import annotations

from acme_client.dns.api import API
from acme_client.dns.provider import TTL, quoted, relative
from acme_client.dns.variables import Variables

BASE = "https://api.hetzner.cloud/v1"


class Hetzner:
    name, holds_one = "hetzner", False

    def __init__(self, token: str, base: str = BASE) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._api = API("Hetzner", base, "HETZNER_API_TOKEN", headers, (token,))

    @classmethod
    def read(cls, variables: Variables) -> Hetzner:
        return cls(variables.need("HETZNER_API_TOKEN", "HCLOUD_TOKEN", "HETZNER_API_KEY"))

    def present(self, zone: str, name: str, value: str) -> None:
        values = self._values(zone, name)
        if quoted(value) in values:
            return
        # A set that is there keeps its TTL: to name another one is an error.
        ttl = {} if values else {"ttl": TTL}
        change = {"records": [{"value": quoted(value)}], **ttl}
        self._api.ask("POST", f"{self._set(zone, name)}/actions/add_records", change)

    def withdraw(self, zone: str, name: str, value: str) -> None:
        if quoted(value) in self._values(zone, name):
            change = {"records": [{"value": quoted(value)}]}
            self._api.ask("POST", f"{self._set(zone, name)}/actions/remove_records", change)

    def _values(self, zone: str, name: str) -> list[str]:
        self._api.ask("GET", f"/zones/{zone}")  # so that a zone that is not there is told from a set
        document = self._api.ask("GET", self._set(zone, name), fine=(404,)).json()
        found = document.get("rrset") if isinstance(document, dict) else None
        return [str(each["value"]) for each in found["records"]] if found else []

    def _set(self, zone: str, name: str) -> str:
        return f"/zones/{zone}/rrsets/{relative(name, zone)}/TXT"
