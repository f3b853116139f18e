"""DigitalOcean: api.digitalocean.com, version 2."""

from __future__ import annotations

from acme_client.dns.api import API
from acme_client.dns.provider import TTL, relative
from acme_client.dns.variables import Variables

BASE = "https://api.digitalocean.com/v2"


class DigitalOcean:
    name, holds_one = "digitalocean", False

    def __init__(self, token: str, base: str = BASE) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._api = API("DigitalOcean", base, "DO_AUTH_TOKEN", headers, (token,))

    @classmethod
    def read(cls, variables: Variables) -> DigitalOcean:
        return cls(variables.need("DO_AUTH_TOKEN"))

    def present(self, zone: str, name: str, value: str) -> None:
        record = {"type": "TXT", "name": relative(name, zone), "data": value, "ttl": TTL}
        self._api.ask("POST", f"/domains/{zone}/records", record)

    def withdraw(self, zone: str, name: str, value: str) -> None:
        query = {"type": "TXT", "name": name, "per_page": "200"}
        document = self._api.ask("GET", f"/domains/{zone}/records", query=query).json()
        found = document.get("domain_records") if isinstance(document, dict) else None
        if not isinstance(found, list):
            raise self._api.odd("a list of records")
        for record in found:
            if str(record.get("data", "")).strip('"') == value:
                self._api.ask("DELETE", f"/domains/{zone}/records/{record['id']}", fine=(404,))
