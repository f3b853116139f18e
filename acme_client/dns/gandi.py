"""Gandi: LiveDNS; TXT records come in sets, which are read, changed and written back."""

from __future__ import annotations

from collections.abc import Sequence

from acme_client.dns.api import API
from acme_client.dns.provider import relative
from acme_client.dns.sets import ValueSets
from acme_client.dns.variables import Variables

BASE = "https://api.gandi.net/v5/livedns"
SHORTEST_TTL = 300


class Gandi(ValueSets):
    name = "gandi"

    def __init__(self, token: str, base: str = BASE) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._api = API("Gandi", base, "GANDIV5_PERSONAL_ACCESS_TOKEN", headers, (token,))

    @classmethod
    def read(cls, variables: Variables) -> Gandi:
        return cls(variables.need("GANDIV5_PERSONAL_ACCESS_TOKEN"))

    def values(self, zone: str, name: str) -> list[str]:
        self._api.ask("GET", f"/domains/{zone}")  # so that a zone that is not there is told from a set
        document = self._api.ask("GET", self._set(zone, name), fine=(404,)).json()
        found = document.get("rrset_values") if isinstance(document, dict) else None
        return [str(value) for value in found or ()]

    def write(self, zone: str, name: str, values: Sequence[str], before: Sequence[str]) -> None:
        if values:
            whole = {"rrset_values": list(values), "rrset_ttl": SHORTEST_TTL}
            self._api.ask("PUT", self._set(zone, name), whole)
        else:
            self._api.ask("DELETE", self._set(zone, name), fine=(404,))

    def _set(self, zone: str, name: str) -> str:
        return f"/domains/{zone}/records/{relative(name, zone)}/TXT"
