"""Zones: how each provider behaves that Tidegate has code for, after its public documentation.

Each is a class that keeps TXT values as its provider does, answers as it does,
and refuses a wrong token, an unknown zone and a request of another shape.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from acme_client.dns.cloudflare import Cloudflare
from acme_client.dns.desec import DeSEC
from acme_client.dns.digitalocean import DigitalOcean
from acme_client.dns.gandi import Gandi
from acme_client.dns.hetzner import Hetzner
from acme_client.dns.ovh import OVH
from acme_client.dns.powerdns import PowerDNS
from acme_client.dns.route53 import Keys, Route53
from tests.acme_client.dns.player import Asked

ZONE = "example.com"
TOKEN = "s3cret-token/with+signs"
Answer = tuple[int, Any]


class Zone:
    """`values` are the TXT values by name, without quotes."""

    def __init__(self) -> None:
        self.values: dict[str, list[str]] = {}

    def __call__(self, asked: Asked) -> Answer:
        if not self.known(asked):
            return self.unauthorized
        for method, path, answer in self.paths():
            if asked.method == method and (match := re.fullmatch(path, unquote(asked.path))):
                return answer(asked, *match.groups())
        return 404, {"error": {"code": "not_found", "message": "there is no such thing"}}

    unauthorized: Answer = (401, {"error": {"message": "unable to authenticate"}})

    def known(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {TOKEN}"

    def paths(self) -> list[tuple[str, str, Any]]:
        raise NotImplementedError

    def full(self, relative: str) -> str:
        return ZONE if relative in ("@", "") else f"{relative}.{ZONE}"


class Numbered(Zone):
    """Single records, each with a number."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, tuple[str, str]] = {}

    def add(self, name: str, value: str) -> str:
        number = str(len(self.records) + 1000)
        self.records[number] = (name, value)
        self._settle()
        return number

    def remove(self, number: str) -> bool:
        found = self.records.pop(number, None)
        self._settle()
        return found is not None

    def _settle(self) -> None:
        self.values = {}
        for name, value in self.records.values():
            self.values.setdefault(name, []).append(value)


class CloudflareZone(Numbered):
    unauthorized = (403, {"success": False, "errors": [{"code": 9109, "message": "Invalid access token"}]})

    @staticmethod
    def provider(url: str) -> Cloudflare:
        return Cloudflare(TOKEN, url)

    def paths(self) -> list[tuple[str, str, Any]]:
        records = "/zones/z1/dns_records"
        return [
            ("GET", "/zones", self.zones),
            ("GET", records, self.list),
            ("POST", records, self.create),
            ("DELETE", f"{records}/(.*)", self.delete),
        ]

    def zones(self, asked: Asked) -> Answer:
        found = [{"id": "z1", "name": ZONE}] if asked.query.get("name") == ZONE else []
        return 200, {"success": True, "errors": [], "result": found}

    def list(self, asked: Asked) -> Answer:
        assert asked.query["type"] == "TXT"
        found = [
            {"id": number, "type": "TXT", "name": name, "content": f'"{value}"'}
            for number, (name, value) in self.records.items()
            if name == asked.query["name"]
        ]
        return 200, {"success": True, "errors": [], "result": found}

    def create(self, asked: Asked) -> Answer:
        record = asked.json
        if (record["name"], record["content"].strip('"')) in self.records.values():
            error = {"code": 81058, "message": "An identical record already exists."}
            return 400, {"success": False, "errors": [error], "result": None}
        number = self.add(record["name"], record["content"].strip('"'))
        return 200, {"success": True, "errors": [], "result": record | {"id": number}}

    def delete(self, asked: Asked, number: str) -> Answer:
        return (200, {"success": True, "result": {"id": number}}) if self.remove(number) else (404, {})


class DigitalOceanZone(Numbered):
    unauthorized = (401, {"id": "Unauthorized", "message": "Unable to authenticate you"})

    @staticmethod
    def provider(url: str) -> DigitalOcean:
        return DigitalOcean(TOKEN, url)

    def paths(self) -> list[tuple[str, str, Any]]:
        records = f"/domains/{ZONE}/records"
        return [
            ("POST", records, self.create),
            ("GET", records, self.list),
            ("DELETE", f"{records}/(.*)", self.delete),
        ]

    def create(self, asked: Asked) -> Answer:
        assert asked.json["type"] == "TXT"
        number = self.add(self.full(asked.json["name"]), asked.json["data"])
        return 201, {"domain_record": {"id": int(number)}}

    def list(self, asked: Asked) -> Answer:
        found = [
            {"id": int(number), "type": "TXT", "name": name.removesuffix(f".{ZONE}"), "data": value}
            for number, (name, value) in self.records.items()
            if name == asked.query["name"] and asked.query["type"] == "TXT"
        ]
        return 200, {"domain_records": found, "meta": {"total": len(found)}}

    def delete(self, asked: Asked, number: str) -> Answer:
        return (204, None) if self.remove(number) else (404, {"id": "not_found"})


class OVHZone(Numbered):
    """Changes are seen after a refresh."""

    unauthorized = (403, {"message": "This call has not been granted", "errorCode": "NOT_GRANTED_CALL"})
    base = ""

    def provider(self, url: str) -> OVH:
        self.ovh = OVH(url, "application", TOKEN, "consumer")
        self.base = url
        return self.ovh

    def known(self, asked: Asked) -> bool:
        if asked.path == "/auth/time":
            return True
        sent = asked.headers
        query = "&".join(f"{name}={value}" for name, value in asked.query.items())
        url = f"{self.base}{asked.path}{'?' if query else ''}{query}"
        good = OVH(self.base, "application", TOKEN, "consumer")
        signature = good.signature(asked.method, url, asked.body.decode(), "1700000000")
        named = (sent.get("x-ovh-application"), sent.get("x-ovh-consumer"), sent.get("x-ovh-timestamp"))
        return named == ("application", "consumer", "1700000000") and sent["x-ovh-signature"] == signature

    def paths(self) -> list[tuple[str, str, Any]]:
        records = f"/domain/zone/{ZONE}/record"
        return [
            ("GET", "/auth/time", lambda asked: (200, "1700000000")),
            ("POST", records, self.create),
            ("GET", records, self.list),
            ("GET", f"{records}/(.*)", self.show),
            ("DELETE", f"{records}/(.*)", self.delete),
            ("POST", f"/domain/zone/{ZONE}/refresh", self.refresh),
        ]

    def create(self, asked: Asked) -> Answer:
        assert asked.json["fieldType"] == "TXT"
        return 200, {"id": int(self.add(self.full(asked.json["subDomain"]), asked.json["target"]))}

    def list(self, asked: Asked) -> Answer:
        name = self.full(asked.query["subDomain"])
        return 200, [int(number) for number, (each, _) in self.records.items() if each == name]

    def show(self, asked: Asked, number: str) -> Answer:
        name, value = self.records[number]
        return 200, {"id": int(number), "fieldType": "TXT", "subDomain": name, "target": f'"{value}"'}

    def delete(self, asked: Asked, number: str) -> Answer:
        return (200, None) if self.remove(number) else (404, {})

    def refresh(self, asked: Asked) -> Answer:
        self.values = {}
        super()._settle()
        return 200, None

    def _settle(self) -> None: ...


class DeSECZone(Zone):
    unauthorized = (401, {"detail": "Invalid token."})

    @staticmethod
    def provider(url: str) -> DeSEC:
        return DeSEC(TOKEN, url)

    def known(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Token {TOKEN}"

    def paths(self) -> list[tuple[str, str, Any]]:
        return [
            ("GET", f"/domains/{ZONE}/rrsets/", self.list),
            ("PUT", f"/domains/{ZONE}/rrsets/", self.replace),
        ]

    def list(self, asked: Asked) -> Answer:
        values = self.values.get(self.full(asked.query["subname"]), [])
        records = [f'"{value}"' for value in values]
        return 200, [{"subname": asked.query["subname"], "type": "TXT", "records": records}] if values else []

    def replace(self, asked: Asked) -> Answer:
        for each in asked.json:
            if each["ttl"] < 3600:
                return 400, [{"ttl": ["Ensure this value is greater than or equal to 3600."]}]
            assert all(re.fullmatch(r'".*"', value) for value in each["records"])
            self.values[self.full(each["subname"])] = [value.strip('"') for value in each["records"]]
        return 200, asked.json


class GandiZone(Zone):
    unauthorized = (403, {"object": "HTTPForbidden", "message": "Access was denied to this resource."})

    @staticmethod
    def provider(url: str) -> Gandi:
        return Gandi(TOKEN, url)

    def paths(self) -> list[tuple[str, str, Any]]:
        name = f"/domains/{ZONE}/records/([^/]*)/TXT"
        return [
            ("GET", f"/domains/{ZONE}", lambda asked: (200, {"fqdn": ZONE})),
            ("GET", name, self.show),
            ("PUT", name, self.replace),
            ("DELETE", name, self.delete),
        ]

    def show(self, asked: Asked, name: str) -> Answer:
        values = self.values.get(self.full(name))
        if not values:
            return 404, {"cause": "Not Found", "message": "Can't find the DNS record"}
        return 200, {"rrset_type": "TXT", "rrset_values": [f'"{value}"' for value in values]}

    def replace(self, asked: Asked, name: str) -> Answer:
        if not asked.json["rrset_values"] or asked.json["rrset_ttl"] < 300:
            return 400, {"message": "the set is not valid"}
        self.values[self.full(name)] = [value.strip('"') for value in asked.json["rrset_values"]]
        return 201, {"message": "DNS Record Created"}

    def delete(self, asked: Asked, name: str) -> Answer:
        self.values.pop(self.full(name))
        return 204, None


class HetznerZone(Zone):
    unauthorized = (401, {"error": {"code": "unauthorized", "message": "the token is not valid"}})

    @staticmethod
    def provider(url: str) -> Hetzner:
        return Hetzner(TOKEN, url)

    def paths(self) -> list[tuple[str, str, Any]]:
        name = f"/zones/{ZONE}/rrsets/([^/]*)/TXT"
        return [
            ("GET", f"/zones/{ZONE}", lambda asked: (200, {"zone": {"id": 42, "name": ZONE}})),
            ("GET", name, self.show),
            ("POST", f"{name}/actions/add_records", self.add),
            ("POST", f"{name}/actions/remove_records", self.remove),
        ]

    def show(self, asked: Asked, name: str) -> Answer:
        values = self.values.get(self.full(name))
        if not values:
            return 404, {"error": {"code": "not_found", "message": "rrset not found"}}
        records = [{"value": f'"{value}"', "comment": ""} for value in values]
        return 200, {"rrset": {"id": f"{name}/TXT", "name": name, "type": "TXT", "records": records}}

    def add(self, asked: Asked, name: str) -> Answer:
        values = self.values.setdefault(self.full(name), [])
        if values and "ttl" in asked.json:
            return 422, {"error": {"code": "invalid_input", "message": "the TTL of the set differs"}}
        values += [each["value"].strip('"') for each in asked.json["records"]]
        return 201, {"action": {"status": "running"}}

    def remove(self, asked: Asked, name: str) -> Answer:
        for each in asked.json["records"]:
            self.values[self.full(name)].remove(each["value"].strip('"'))
        return 201, {"action": {"status": "running"}}


class PowerDNSZone(Zone):
    unauthorized = (401, "Unauthorized")

    @staticmethod
    def provider(url: str) -> PowerDNS:
        return PowerDNS(url, TOKEN)

    def known(self, asked: Asked) -> bool:
        return asked.headers.get("x-api-key") == TOKEN

    def paths(self) -> list[tuple[str, str, Any]]:
        zone = rf"/api/v1/servers/localhost/zones/{ZONE}\."
        return [("GET", zone, self.show), ("PATCH", zone, self.change)]

    def show(self, asked: Asked) -> Answer:
        """As an older server does, which passes over the filter."""
        sets = [
            {"name": f"{name}.", "type": "TXT", "records": [{"content": f'"{value}"'} for value in values]}
            for name, values in self.values.items()
        ]
        return 200, {
            "name": f"{ZONE}.",
            "rrsets": [*sets, {"name": f"{ZONE}.", "type": "SOA", "records": []}],
        }

    def change(self, asked: Asked) -> Answer:
        for each in asked.json["rrsets"]:
            name = each["name"].removesuffix(".")
            if each["changetype"] == "DELETE":
                del self.values[name]
            else:
                self.values[name] = [record["content"].strip('"') for record in each["records"]]
        return 204, None


class Route53Zone(Zone):
    unauthorized = (
        403,
        "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code>"
        "<Message>The request signature does not match.</Message></Error></ErrorResponse>",
    )

    @staticmethod
    def provider(url: str) -> Route53:
        return Route53(Keys("AKID", TOKEN), base=url)

    def known(self, asked: Asked) -> bool:
        """The signature itself is held against Amazon's own example elsewhere."""
        return asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")

    def paths(self) -> list[tuple[str, str, Any]]:
        rrset = "/2013-04-01/hostedzone/Z1/rrset"
        return [
            ("GET", "/2013-04-01/hostedzonesbyname", self.zones),
            ("GET", rrset, self.list),
            ("POST", rrset, self.change),
        ]

    def zones(self, asked: Asked) -> Answer:
        one = (
            "<HostedZone><Id>/hostedzone/{}</Id><Name>{}.</Name>"
            "<Config><PrivateZone>{}</PrivateZone></Config></HostedZone>"
        )
        zones = (("Z0", ZONE, "true"), ("Z1", ZONE, "false"), ("Z2", "later.example", "false"))
        return 200, "<R><HostedZones>" + "".join(one.format(*zone) for zone in zones) + "</HostedZones></R>"

    def list(self, asked: Asked) -> Answer:
        """From this name on, in order: what comes may be another name's."""
        name = asked.query["name"].removesuffix(".")
        found = sorted(each for each, values in self.values.items() if values and each >= name)[:1]
        values = "".join(
            f"<ResourceRecord><Value>&quot;{value}&quot;</Value></ResourceRecord>"
            for each in found
            for value in self.values[each]
        )
        sets = (
            f"<ResourceRecordSet><Name>{found[0]}.</Name><Type>TXT</Type>"
            f"<ResourceRecords>{values}</ResourceRecords></ResourceRecordSet>"
            if found
            else ""
        )
        return 200, f"<R><ResourceRecordSets>{sets}</ResourceRecordSets></R>"

    def change(self, asked: Asked) -> Answer:
        text = asked.body.decode()
        [action], [name] = re.findall("<Action>(.*)</Action>", text), re.findall(r"<Name>(.*)\.</Name>", text)
        values = [value.strip('"') for value in re.findall("<Value>&quot;(.*?)&quot;</Value>", text)]
        if action == "DELETE":
            if values != self.values.get(name):
                return 400, "<Message>Tried to delete resource record set but it was not found</Message>"
            del self.values[name]
        else:
            self.values[name] = values
        return 200, "<R><ChangeInfo><Status>PENDING</Status></ChangeInfo></R>"


ZONES: list[Any] = [
    *(
        CloudflareZone,
        DeSECZone,
        DigitalOceanZone,
        GandiZone,
        HetznerZone,
        OVHZone,
        PowerDNSZone,
        Route53Zone,
    ),
]
