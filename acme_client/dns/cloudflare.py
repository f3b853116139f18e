"""Cloudflare: api.cloudflare.com, version 4."""

from __future__ import annotations

from typing import Any

from acme_client.dns.api import API
from acme_client.dns.provider import failed, quoted
from acme_client.dns.variables import Variables

BASE = "https://api.cloudflare.com/client/v4"
ALREADY_THERE = (81057, 81058)


class Cloudflare:
    name, holds_one = "cloudflare", False

    def __init__(self, token: str, base: str = BASE) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._api = API("Cloudflare", base, "CF_DNS_API_TOKEN", headers, (token,))

    @classmethod
    def read(cls, variables: Variables) -> Cloudflare:
        return cls(variables.need("CF_DNS_API_TOKEN", "CLOUDFLARE_DNS_API_TOKEN"))

    def present(self, zone: str, name: str, value: str) -> None:
        record = {"type": "TXT", "name": name, "content": quoted(value), "ttl": 120}
        answer = self._api.ask("POST", f"{self._records(zone)}", record, fine=(400, 409))
        if answer.status >= 300 and not any(code in ALREADY_THERE for code in _codes(answer.json())):
            raise self._api.refused(answer)

    def withdraw(self, zone: str, name: str, value: str) -> None:
        records = self._records(zone)
        query = {"type": "TXT", "name": name, "per_page": "100"}
        for record in _result(self._api.ask("GET", records, query=query).json()):
            if str(record.get("content", "")).strip('"') == value:
                self._api.ask("DELETE", f"{records}/{record['id']}", fine=(404,))

    def _records(self, zone: str) -> str:
        found = _result(self._api.ask("GET", "/zones", query={"name": zone}).json())
        if not found:
            raise failed(f"Cloudflare shows us no zone {zone}: does the token in CF_DNS_API_TOKEN reach it?")
        return f"/zones/{found[0]['id']}/dns_records"


def _result(document: Any) -> list[dict[str, Any]]:
    result = document.get("result") if isinstance(document, dict) else None
    return (
        [each for each in result if isinstance(each, dict) and "id" in each]
        if isinstance(result, list)
        else []
    )


def _codes(document: Any) -> list[Any]:
    errors = document.get("errors") if isinstance(document, dict) else None
    return [each.get("code") for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
