"""deSEC: desec.io; TXT records come in sets, which are read, changed and written back."""

from __future__ import annotations

from collections.abc import Sequence

from acme_client.dns.api import API
from acme_client.dns.provider import relative
from acme_client.dns.sets import ValueSets
from acme_client.dns.variables import Variables

BASE = "https://desec.io/api/v1"
SHORTEST_TTL = 3600
"""What a domain may not go below, unless its owner has asked for less."""


class DeSEC(ValueSets):
    name = "desec"

    def __init__(self, token: str, base: str = BASE) -> None:
        self._api = API("deSEC", base, "DESEC_TOKEN", {"Authorization": f"Token {token}"}, (token,))

    @classmethod
    def read(cls, variables: Variables) -> DeSEC:
        return cls(variables.need("DESEC_TOKEN"))

    def values(self, zone: str, name: str) -> list[str]:
        query = {"subname": relative(name, zone, ""), "type": "TXT"}
        sets = self._api.ask("GET", f"/domains/{zone}/rrsets/", query=query).json()
        if not isinstance(sets, list):
            raise self._api.odd("a list of record sets")
        return [str(value) for each in sets for value in each.get("records", ())]

    def write(self, zone: str, name: str, values: Sequence[str], before: Sequence[str]) -> None:
        """An empty set is no set (deSEC removes it)."""
        subname = relative(name, zone, "")
        whole = [{"subname": subname, "type": "TXT", "ttl": SHORTEST_TTL, "records": list(values)}]
        self._api.ask("PUT", f"/domains/{zone}/rrsets/", whole)
