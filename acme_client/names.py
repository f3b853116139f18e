"""Names: which host names a CA may be asked for, decided without asking one.

A name that a CA is bound to refuse costs a failure against its rate limits and
teaches its owner nothing; here it costs nothing and the reason is in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

import idna

from acme_client.frozen import frozen

LOCAL_SUFFIXES = (
    "localhost",  # RFC 6761 6.3
    "local",  # RFC 6762: multicast DNS
    "home.arpa",  # RFC 8375
    "internal",  # reserved for private use by ICANN in 2024
    "test",  # RFC 6761 6.2
    "example",  # RFC 6761 6.5
    "invalid",  # RFC 6761 6.4
    "lan",
    "localdomain",
    "home",  # never to be delegated (ICANN 2018), as "corp" and "mail"
    "corp",
    "intranet",
    "private",
)
"""Endings that exist in no public DNS, so that no public CA can certify them."""

NEEDS_DNS = (
    "A wildcard needs the DNS-01 challenge, which is not set up: choose a DNS provider with the setting dns,"
    " or write each host by itself."
)

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")


@frozen
class Name:
    """A host as a certificate spells it, and whether a CA may be asked for it.

    `refusal` is empty, or says in words why no CA was asked and what to write instead.
    """

    host: str
    refusal: str = ""

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        return _address(self.host)

    @property
    def signable(self) -> bool:
        """Whether a certificate can hold it; Tidegate's own CA signs `*.nas.lan` and `my_nas` as well."""
        return not _refusal(self.host.removeprefix("*.").replace("_", "x"))

    @property
    def public(self) -> bool:
        """A name that the public DNS can hold; single labels and addresses are not."""
        return not self.address and "." in self.host and not within(self.host, LOCAL_SUFFIXES)

    @property
    def wildcard(self) -> str:
        """The wildcard that covers it: one label, and no more (RFC 9525 6.3)."""
        first, _, above = self.host.partition(".")
        return f"*.{above}" if above and first != "*" and not self.address else ""


def covered(names: Mapping[str, Name]) -> dict[str, str]:
    """Which of these names need no certificate of their own, and the wildcard among them that has one."""
    wildcards = {host for host, name in names.items() if host.startswith("*.") and not name.refusal}
    if not wildcards:
        return {}
    return {host: name.wildcard for host, name in names.items() if name.wildcard in wildcards}


def within(host: str, suffixes: tuple[str, ...]) -> bool:
    return any(host == suffix or host.endswith("." + suffix) for suffix in suffixes)


def read_name(text: str) -> Name:
    """The name in lower case and A-labels (RFC 5890), judged."""
    host = text.strip().lower()
    if address := _address(host):
        return Name(str(address))
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except (idna.IDNAError, UnicodeError) as error:
            return Name(host.encode("punycode").decode(), f"{text!r} is no host name: {error}")
    return Name(host, _refusal(host))


def _refusal(host: str) -> str:
    if host.endswith("."):
        return f"Write it without the dot at its end: {host.rstrip('.')}"
    if host.startswith("*."):
        return (_refusal(host[2:]) if not host.startswith("*.*") else _label_refusal("*")) or NEEDS_DNS
    if len(host) > 253:
        return f"A host name has at most 253 characters, this one has {len(host)}."
    for label in host.split("."):
        if reason := _label_refusal(label):
            return reason
    if host.rsplit(".", 1)[-1].isdigit():
        return "A host name does not end in a number, and this is no IP address."
    return ""


def _label_refusal(label: str) -> str:
    if _LABEL.match(label):
        return ""
    if not label:
        return "It has an empty part between two dots."
    if "_" in label:
        instead = label.replace("_", "-").strip("-")
        return f"No CA certifies a name with an underscore; write {instead!r} instead."
    if len(label) > 63:
        return f"A part between two dots has at most 63 characters, {label[:12]!r}... has {len(label)}."
    return f"{label!r} may hold letters, digits and hyphens only, and a hyphen neither first nor last."


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None
