"""Catalog: the providers there are, and what each has to be told, before any of their code is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping

from acme_client.frozen import frozen

LEXICON = "lexicon:"


@frozen
class Offer:
    """One provider.

    `place` is its module below `acme_client.dns` and its class.  `needs` are the
    variables that it cannot do without, each with its other spellings; `may`
    those that it can; of the `together` each
    needs the others.  `token` says where a token is made and with which rights.
    """

    place: str
    needs: tuple[tuple[str, ...], ...]
    token: str
    may: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    holds_one: bool = False


OFFERS: Mapping[str, Offer] = {
    "acme-dns": Offer(
        "acmedns:AcmeDNS",
        (("ACME_DNS_API_BASE",),),
        "nowhere: Tidegate registers by itself, and its log says which CNAME to add to your DNS, once a name",
        ("ACME_DNS_STORAGE_PATH",),
    ),
    "cloudflare": Offer(
        "cloudflare:Cloudflare",
        (("CF_DNS_API_TOKEN", "CLOUDFLARE_DNS_API_TOKEN"),),
        "My Profile, API Tokens, Create Token: Zone / DNS / Edit and Zone / Zone / Read, for this zone only",
    ),
    "desec": Offer(
        "desec:DeSEC",
        (("DESEC_TOKEN",),),
        "desec.io, Token Management; it may be limited to the TXT records of one domain",
    ),
    "digitalocean": Offer(
        "digitalocean:DigitalOcean",
        (("DO_AUTH_TOKEN",),),
        "API, Tokens, Generate New Token, custom scopes: domain, create, read and delete",
    ),
    "duckdns": Offer(
        "duckdns:DuckDNS",
        (("DUCKDNS_TOKEN",),),
        "the top of the page at duckdns.org, once logged in; it can change all your domains there",
        holds_one=True,
    ),
    "exec": Offer(
        "program:Program",
        (("EXEC_PATH",),),
        "your own program: `PROGRAM present NAME. VALUE`, `PROGRAM cleanup NAME. VALUE`, within 90 s",
    ),
    "gandi": Offer(
        "gandi:Gandi",
        (("GANDIV5_PERSONAL_ACCESS_TOKEN",),),
        "Organizations, Sharing, Personal Access Token: Manage domain name technical configurations",
    ),
    "hetzner": Offer(
        "hetzner:Hetzner",
        (("HETZNER_API_TOKEN", "HCLOUD_TOKEN", "HETZNER_API_KEY"),),
        "Hetzner Console, the project of the zone, Security, API Tokens: Read & Write",
    ),
    "ovh": Offer(
        "ovh:OVH",
        (("OVH_APPLICATION_KEY",), ("OVH_APPLICATION_SECRET",), ("OVH_CONSUMER_KEY",)),
        "auth.eu.ovhcloud.com/api/createToken (or that of your region): GET, POST and DELETE on"
        " `/domain/zone/YOUR.ZONE/*`",
        ("OVH_ENDPOINT",),
    ),
    "powerdns": Offer(
        "powerdns:PowerDNS",
        (("PDNS_API_URL",), ("PDNS_API_KEY",)),
        "`api=yes`, `webserver=yes` and `api-key=...` in pdns.conf; the URL is that of its web server",
        ("PDNS_SERVER_NAME",),
    ),
    "rfc2136": Offer(
        "rfc2136:RFC2136",
        (("RFC2136_NAMESERVER",),),
        "`tsig-keygen` (BIND) or `keymgr -t` (Knot); the server has to let the key update TXT records",
        ("RFC2136_TSIG_KEY", "RFC2136_TSIG_SECRET", "RFC2136_TSIG_ALGORITHM"),
        ("RFC2136_TSIG_KEY", "RFC2136_TSIG_SECRET"),
    ),
    "route53": Offer(
        "route53:Route53",
        (("AWS_ACCESS_KEY_ID",), ("AWS_SECRET_ACCESS_KEY",)),
        "IAM, Users, Security credentials: route53:ListHostedZonesByName, ListResourceRecordSets and"
        " ChangeResourceRecordSets",
        ("AWS_SESSION_TOKEN", "AWS_HOSTED_ZONE_ID"),
    ),
    "webhook": Offer(
        "webhook:Webhook",
        (("HTTPREQ_ENDPOINT",),),
        'your own server: `POST /present` and `POST /cleanup` with `{"fqdn": "NAME.", "value": "VALUE"}`',
        ("HTTPREQ_USERNAME", "HTTPREQ_PASSWORD"),
        ("HTTPREQ_USERNAME", "HTTPREQ_PASSWORD"),
    ),
}


def known(name: str) -> bool:
    """Whether there is such a provider, as far as one can say without loading it."""
    return name in OFFERS or bool(re.fullmatch(rf"{LEXICON}[a-z0-9]+", name))


def variable_prefixes() -> tuple[str, ...]:
    """What the names of all credentials begin with, for whoever must not hand them on."""
    names = [
        name
        for offer in OFFERS.values()
        for name in (*(each for spellings in offer.needs for each in spellings), *offer.may)
    ]
    return (*sorted(names), "LEXICON_")
