"""Route 53: Amazon's DNS; signed requests (Signature Version 4), XML, and whole sets of values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from html import escape, unescape
from urllib.parse import quote, urlsplit

from acme_client.dns.api import API
from acme_client.dns.provider import TTL, failed
from acme_client.dns.sets import ValueSets
from acme_client.dns.variables import Variables
from acme_client.frozen import frozen

BASE = "https://route53.amazonaws.com"
VERSION = "2013-04-01"
SPACE = f"https://route53.amazonaws.com/doc/{VERSION}/"


@frozen
class Keys:
    id: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)


class Route53(ValueSets):
    name = "route53"

    def __init__(self, keys: Keys, zone_id: str = "", base: str = BASE) -> None:
        self._keys, self._zone_id, self._base = keys, zone_id, base
        names = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        self._api = API("Route 53", base, names, secrets=(keys.secret, keys.session))

    @classmethod
    def read(cls, variables: Variables) -> Route53:
        keys = Keys(
            variables.need("AWS_ACCESS_KEY_ID"),
            variables.need("AWS_SECRET_ACCESS_KEY"),
            variables.get("AWS_SESSION_TOKEN"),
        )
        return cls(keys, variables.get("AWS_HOSTED_ZONE_ID"))

    def values(self, zone: str, name: str) -> list[str]:
        query = {"maxitems": "1", "name": f"{name}.", "type": "TXT"}
        answer = self._ask("GET", f"/hostedzone/{self._find_zone(zone)}/rrset", query)
        for found in re.findall(r"<ResourceRecordSet>.*?</ResourceRecordSet>", answer, re.DOTALL):
            if _text(found, "Name") == f"{name}." and _text(found, "Type") == "TXT":
                return [unescape(value) for value in re.findall(r"<Value>(.*?)</Value>", found, re.DOTALL)]
        return []

    def write(self, zone: str, name: str, values: Sequence[str], before: Sequence[str]) -> None:
        if values:
            self._change(zone, "UPSERT", name, values)
        else:
            self._change(zone, "DELETE", name, before)  # which has to say what it deletes

    def _find_zone(self, zone: str) -> str:
        if self._zone_id:
            return self._zone_id
        answer = self._ask("GET", "/hostedzonesbyname", {"dnsname": zone})
        for found in re.findall(r"<HostedZone>.*?</HostedZone>", answer, re.DOTALL):
            if _text(found, "Name") == f"{zone}." and _text(found, "PrivateZone") != "true":
                return _text(found, "Id").rpartition("/")[2]
        raise failed(f"Route 53 shows us no public zone {zone}: look at {self._api.variables}.")

    def _change(self, zone: str, action: str, name: str, values: Sequence[str]) -> None:
        records = "".join(
            f"<ResourceRecord><Value>{escape(each)}</Value></ResourceRecord>" for each in values
        )
        body = (
            f'<ChangeResourceRecordSetsRequest xmlns="{SPACE}"><ChangeBatch><Changes><Change>'
            f"<Action>{action}</Action><ResourceRecordSet><Name>{name}.</Name><Type>TXT</Type><TTL>{TTL}</TTL>"
            f"<ResourceRecords>{records}</ResourceRecords></ResourceRecordSet>"
            "</Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"
        )
        self._ask("POST", f"/hostedzone/{self._find_zone(zone)}/rrset", {}, body.encode())

    def _ask(self, method: str, path: str, query: dict[str, str], body: bytes | None = None) -> str:
        now = datetime.now(UTC)  # noqa: TID251 - a signature counts for some minutes
        path = f"/{VERSION}{path}"
        headers = sign(self._keys, method, urlsplit(self._base).netloc, path, query, body or b"", now)
        return self._api.ask(method, path, body, query=query, headers=headers).text


def sign(
    keys: Keys, method: str, host: str, path: str, query: dict[str, str], body: bytes, now: datetime,
    region: str = "us-east-1", service: str = "route53",
) -> dict[str, str]:  # fmt: skip
    """The header fields that a request needs (AWS Signature Version 4)."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-date": stamp}
    if keys.session:
        headers["x-amz-security-token"] = keys.session
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        (
            method,
            path,
            "&".join(f"{quote(key, safe='')}={quote(query[key], safe='')}" for key in sorted(query)),
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            sha256(body).hexdigest(),
        )
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{keys.secret}".encode()
    for part in scope.split("/"):
        key = digest(key, part.encode(), "sha256")
    signature = digest(key, text.encode(), "sha256").hex()
    value = f"AWS4-HMAC-SHA256 Credential={keys.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": value}


def _text(document: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", document, re.DOTALL)
    return unescape(found[1]) if found else ""
