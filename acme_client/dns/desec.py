"""deSEC: desec.io; TXT records come in sets, which are read, changed and written back."""

from __future__ import annotations

from acme_client.dns.api import API
from acme_client.dns.provider import quoted, relative
from acme_client.dns.variables import Variables

BASE = "https://desec.io/api/v1"
SHORTEST_TTL = 3600
"""What a domain may not go below, unless its owner has asked for less."""


class DeSEC:
    name, holds_one = "desec", False

    def __init__(self, token: str, base: str = BASE) -> None:
        self._api = API("deSEC", base, "DESEC_TOKEN", {"Authorization": f"Token {token}"}, (token,))

    @classmethod
    def read(cls, variables: Variables) -> DeSEC:
        return cls(variables.need("DESEC_TOKEN"))

    def present(self, zone: str, name: str, value: str) -> None:
        values = self._values(zone, name)
        if quoted(value) not in values:
            self._write(zone, name, [*values, quoted(value)])

    def withdraw(self, zone: str, name: str, value: str) -> None:
        values = self._values(zone, name)
        if quoted(value) in values:
            self._write(zone, name, [each for each in values if each != quoted(value)])

    def _values(self, zone: str, name: str) -> list[str]:
        query = {"subname": relative(name, zone, ""), "type": "TXT"}
        sets = self._api.ask("GET", f"/domains/{zone}/rrsets/", query=query).json()
        if not isinstance(sets, list):
            raise self._api.odd("a list of record sets")
        return [str(value) for each in sets for value in each.get("records", ())]

    def _write(self, zone: str, name: str, values: list[str]) -> None:
        """An empty set is no set (deSEC removes it)."""
        subname = relative(name, zone, "")
        whole = [{"subname": subname, "type": "TXT", "ttl": SHORTEST_TTL, "records": values}]
        self._api.ask("PUT", f"/domains/{zone}/rrsets/", whole)
