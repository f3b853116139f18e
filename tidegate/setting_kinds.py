"""Setting kinds: what single settings take, each read from its text."""

from __future__ import annotations

import os
import re
import sys
from ipaddress import ip_address

from proxy.schema import Duration, IPNetwork, Unfit, closest
from proxy.values import PRIVATE, parse_network, short

CHALLENGES = ("dns-01", "http-01", "tls-alpn-01")
KNOWN_CAS = ("letsencrypt", "letsencrypt-staging", "zerossl")


class Directories(str):
    """ACME authorities by their known names or by the URLs of their directories, between commas."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Directories:
        parts = [cls._one(part.strip()) for part in text.split(",")]
        if len(set(parts)) < len(parts):
            raise Unfit("each authority once", text)
        return cls(",".join(parts))

    @property
    def each(self) -> tuple[str, ...]:
        return tuple(self.split(","))

    @classmethod
    def _one(cls, text: str) -> str:
        if text.lower() in KNOWN_CAS:
            return text.lower()
        if re.fullmatch(r"https://[^\s/@]+(/\S*)?", text, re.IGNORECASE):  # RFC 8555 6.1: HTTPS, nothing else
            return text
        expected = f"{', '.join(KNOWN_CAS)} or the https:// URL of a directory"
        meant = closest(text, [*KNOWN_CAS, "off"])
        raise Unfit(f'{expected} (perhaps "{meant}")' if meant else expected, text)


class EngineURL(str):
    """Where a Docker engine answers."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> EngineURL:
        if not re.fullmatch(r"(unix://|tcp://|ssh://|https?://|npipe://)\S+", text):
            raise Unfit("unix:///var/run/docker.sock, tcp://HOST:PORT or ssh://USER@HOST", text)
        return cls(text)


class DNSProvider(str):
    """Whoever serves the zones of the names, and can be told to add a record."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> DNSProvider:
        from acme_client.dns.catalog import LEXICON, OFFERS, known

        if known(text.lower()):
            return cls(text.lower())
        expected = f"{', '.join(OFFERS)} or {LEXICON}PROVIDER"
        meant = closest(text, OFFERS)
        raise Unfit(f'{expected} (perhaps "{meant}")' if meant else expected, text)


class ResolverAddress(str):
    """A DNS resolver: its address, perhaps with a port."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> ResolverAddress:
        host, port = text, "53"
        if (text.startswith("[") and not text.endswith("]")) or text.count(":") == 1:
            host, _, port = text.rpartition(":")
        try:
            ip_address(host.strip("[]"))
        except ValueError:
            raise Unfit("an address, such as 1.1.1.1 or 192.168.1.1:5353", text) from None
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise Unfit("an address with a port, such as 192.168.1.1:5353", text)
        return cls(text)


class Domain(str):
    """A domain whose subdomains share one certificate."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Domain:
        domain = text.lower().removeprefix("*.").rstrip(".")
        if not re.fullmatch(r"[^\s/:@*.]+(\.[^\s/:@*.]+)+", domain):
            raise Unfit("a domain, such as example.com for *.example.com", text)
        return cls(domain)


class NotifyURLs(str):
    """Where messages go; between commas or in lines."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> NotifyURLs:
        from tidegate.notify.targets import read_target

        each = cls(text.strip())
        for url in each.each:
            read_target(url)
        return each

    @property
    def each(self) -> tuple[str, ...]:
        parts = re.split(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)", self)
        return tuple(part.strip() for part in parts if part.strip())


class Email(str):
    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Email:
        text = text.removeprefix("mailto:")
        if not re.fullmatch(r"[^\s@,<>]{1,64}@[^\s@,<>]{1,253}", text):
            raise Unfit("an e-mail address", text)
        return cls(text)


class Base64URL(str):
    """A key as ACME authorities hand it out."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Base64URL:
        if not re.fullmatch(r"[A-Za-z0-9_-]+={0,2}", text):
            raise Unfit("a key in base64url: letters, digits, - and _", text)
        return cls(text)


class Switch(str):
    """`on` or `off`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Switch:
        meaning = {"on": "on", "off": "off", "true": "on", "false": "off"}.get(text.lower())
        if meaning is None:  # YAML reads a bare `off` as false
            raise Unfit("on or off", text)
        return cls(meaning)


class WorkerCount(int):
    """How many processes serve; `auto` is one for each core that this one may use."""

    MOST = 128

    @classmethod
    def parse(cls, text: str) -> WorkerCount:
        if text.lower() == "auto":
            return cls(min(cores(), cls.MOST))
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= cls.MOST:
            raise Unfit(f"a number from 1 to {cls.MOST}, or auto", text)
        return cls(text)


def cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class DefaultRule(str):
    """A rule with `{{ ... }}` in it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> DefaultRule:
        from discovery.template import Template  # only who has one pays for it

        Template.parse(text)
        return cls(text)


class Constraint(str):
    """An expression over labels."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Constraint:
        from discovery.constraints import Constraints

        Constraints.parse(text)
        return cls(text)


class HostRules(str):
    """Who may claim which hosts."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> HostRules:
        from discovery.allowed_hosts import AllowedHosts

        return cls(AllowedHosts.parse(text))


class NamePair(str):
    """NAME=MEANING."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> NamePair:
        name, sign, meaning = (part.strip() for part in text.partition("="))
        if not name or not sign or not meaning:
            raise Unfit("NAME=MEANING, such as internal=websecure", text)
        return cls(f"{name}={meaning}")


class ResolverSetting(str):
    """NAME.SETTING=VALUE: what one resolver has instead of the installation."""

    __slots__ = ()
    holds_commas = True
    SETTINGS = (
        *("acme-ca", "acme-email", "acme-profile", "acme-preferred-chain", "acme-ca-bundle"),
        *("acme-eab-kid", "acme-eab-hmac-file", "acme-challenges", "dns"),
    )
    TAKEN = ("auto", "internal", "off", "true", "false")

    @classmethod
    def parse(cls, text: str) -> ResolverSetting:
        """The messages never show a value: somebody may have written a key there."""
        place, sign, value = text.partition("=")
        name, dot, setting = (part.strip().lower() for part in place.partition("."))
        if not sign or not dot or not value.strip():
            raise ValueError("Expected NAME.SETTING=VALUE. Example: company.acme-ca=letsencrypt-staging")
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) or name in cls.TAKEN:
            what = "is taken" if name in cls.TAKEN else "can be no name: letters, digits, - and _"
            raise ValueError(f"{short(name, 40)!r} {what}.")
        spelled = setting.replace("_", "-")
        if spelled == "acme-eab-hmac":
            raise ValueError("A key stands in a file of its own: NAME.acme-eab-hmac-file=PATH")
        if spelled not in cls.SETTINGS:
            meant = closest(spelled, cls.SETTINGS)
            hint = f'Did you mean "{meant}"?' if meant else f"Known: {', '.join(cls.SETTINGS)}."
            raise ValueError(f'A resolver has no "{short(setting, 40)}". {hint}')
        return cls(f"{name}.{spelled.replace('-', '_')}={value.strip()}")

    @property
    def name(self) -> str:
        return self.partition(".")[0]

    @property
    def setting(self) -> str:
        return self.partition("=")[0].partition(".")[2]

    @property
    def value(self) -> str:
        return self.partition("=")[2]


class Readers(str):
    """A network, or `lan` for all that are private but for this machine itself."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Readers:
        if text.lower() == "lan":
            return cls("lan")
        try:
            return cls(parse_network(text))
        except Unfit:
            raise Unfit("lan, or a network such as 192.168.1.0/24", text) from None

    @property
    def networks(self) -> tuple[IPNetwork, ...]:
        """Without loopback, from where tunnels come: who wants that names it."""
        named = (parse_network(each) for each in (PRIVATE if self == "lan" else (str(self),)))
        return tuple(each for each in named if self != "lan" or not each.is_loopback)


class Timeout(Duration):
    """A duration that can run out."""

    @classmethod
    def parse(cls, text: str) -> Timeout:
        if (seconds := Duration.parse(text)) <= 0:
            raise Unfit("a duration above zero", text)
        return cls(seconds)
