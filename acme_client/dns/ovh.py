"""OVH: every request is signed with three keys and OVH's own time; a change counts after a refresh."""

from __future__ import annotations

import json
from hashlib import sha1
from typing import Any

from acme_client.dns.api import API
from acme_client.dns.provider import TTL, failed, relative
from acme_client.dns.variables import MissingVariable, Variables

ENDPOINTS = {
    "ovh-eu": "https://eu.api.ovh.com/1.0",
    "ovh-ca": "https://ca.api.ovh.com/1.0",
    "ovh-us": "https://api.us.ovhcloud.com/1.0",
}


class OVH:
    name, holds_one = "ovh", False

    def __init__(self, base: str, key: str, secret: str, consumer: str) -> None:
        self._base, self._key, self._secret, self._consumer = base, key, secret, consumer
        keys = "OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET and OVH_CONSUMER_KEY"
        self._api = API("OVH", base, keys, secrets=(key, secret, consumer))

    @classmethod
    def read(cls, variables: Variables) -> OVH:
        endpoint = variables.get("OVH_ENDPOINT", default="ovh-eu")
        if endpoint not in ENDPOINTS and not endpoint.startswith("https://"):
            raise MissingVariable(f"OVH_ENDPOINT is one of {', '.join(ENDPOINTS)}, not {endpoint!r}.")
        return cls(
            ENDPOINTS.get(endpoint, endpoint),
            variables.need("OVH_APPLICATION_KEY"),
            variables.need("OVH_APPLICATION_SECRET"),
            variables.need("OVH_CONSUMER_KEY"),
        )

    def present(self, zone: str, name: str, value: str) -> None:
        subdomain = relative(name, zone, "")
        record = {"fieldType": "TXT", "subDomain": subdomain, "target": value, "ttl": TTL}
        self._call("POST", f"/domain/zone/{zone}/record", record)
        self._call("POST", f"/domain/zone/{zone}/refresh")

    def withdraw(self, zone: str, name: str, value: str) -> None:
        records = f"/domain/zone/{zone}/record"
        found = self._call("GET", f"{records}?fieldType=TXT&subDomain={relative(name, zone, '')}")
        if not isinstance(found, list):
            raise self._api.odd("a list of records")
        ours = [number for number in found if self._target(f"{records}/{number}") == value]
        for number in ours:
            self._call("DELETE", f"{records}/{number}")
        if ours:
            self._call("POST", f"/domain/zone/{zone}/refresh")

    def _target(self, path: str) -> str:
        record = self._call("GET", path)
        return str(record.get("target", "")).strip('"') if isinstance(record, dict) else ""

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else b""
        now = self._api.ask("GET", "/auth/time").text.strip()
        if not now.isdigit():
            raise failed("OVH does not say what time it is.")
        headers = {
            "Content-Type": "application/json",
            "X-Ovh-Application": self._key,
            "X-Ovh-Consumer": self._consumer,
            "X-Ovh-Timestamp": now,
            "X-Ovh-Signature": self.signature(method, self._base + path, data.decode(), now),
        }
        fine = (404,) if method == "DELETE" else ()
        return self._api.ask(method, path, data or None, headers=headers, fine=fine).json()

    def signature(self, method: str, url: str, body: str, now: str) -> str:
        parts = "+".join((self._secret, self._consumer, method, url, body, now))
        return f"$1${sha1(parts.encode()).hexdigest()}"  # noqa: S324 - OVH's own choice
