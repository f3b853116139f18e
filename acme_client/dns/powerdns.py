"""PowerDNS: the HTTP API of an authoritative server; sets are read, changed and written back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from acme_client.dns.api import API
from acme_client.dns.provider import TTL
from acme_client.dns.sets import ValueSets
from acme_client.dns.variables import Variables


class PowerDNS(ValueSets):
    name = "powerdns"

    def __init__(self, url: str, key: str, server: str = "localhost") -> None:
        base = f"{url.rstrip('/')}/api/v1/servers/{server}"
        self._api = API("PowerDNS", base, "PDNS_API_URL and PDNS_API_KEY", {"X-API-Key": key}, (key,))

    @classmethod
    def read(cls, variables: Variables) -> PowerDNS:
        server = variables.get("PDNS_SERVER_NAME", default="localhost")
        return cls(variables.need("PDNS_API_URL"), variables.need("PDNS_API_KEY"), server)

    def values(self, zone: str, name: str) -> list[str]:
        # Servers before 4.7 pass over the filter and send the whole zone.
        query = {"rrset_name": f"{name}.", "rrset_type": "TXT"}
        document = self._api.ask("GET", f"/zones/{zone}.", query=query).json()
        sets = document.get("rrsets") if isinstance(document, dict) else None
        if not isinstance(sets, list):
            raise self._api.odd("a zone")
        return [
            str(record["content"])
            for each in sets
            if each.get("type") == "TXT" and each.get("name") == f"{name}."
            for record in each.get("records", ())
        ]

    def write(self, zone: str, name: str, values: Sequence[str], before: Sequence[str]) -> None:
        change: dict[str, Any] = {"name": f"{name}.", "type": "TXT", "changetype": "DELETE"}
        if values:
            records = [{"content": value, "disabled": False} for value in values]
            change |= {"changetype": "REPLACE", "ttl": TTL, "records": records}
        self._api.ask("PATCH", f"/zones/{zone}.", {"rrsets": [change]})
