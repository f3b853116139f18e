"""Allowed hosts: which container may claim which host names, as the installation says.

    blog = blog.example.com, *.blog.example.com; container:nas = nas.lan; * = *.apps.example.com

Before the sign stands a compose project, `container:NAME`, or `*` for everybody.
A label cannot stand there: labels come with images.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.frozen import frozen
from proxy.matchers import BadArgument, check_host
from proxy.model import Router
from proxy.rule import parse_rule
from proxy.values import short

ANY = "*"
"""Everybody, where it says who; every host, where it says what."""
CONTAINER = "container:"
_WHO = re.compile(r"\*|(container:)?[A-Za-z0-9][A-Za-z0-9_.-]*")
EXAMPLE = "blog=blog.example.com, *.blog.example.com"


@frozen
class Claimant:
    """Who asks: a container, and the compose project that it is of, where it is of one."""

    container: str
    project: str = ""

    def __str__(self) -> str:
        return f'Project "{self.project}"' if self.project else f'Container "{self.container}"'

    @property
    def spelled(self) -> str:
        """As a rule names it."""
        return self.project or f"{CONTAINER}{self.container}"

    @property
    def names(self) -> frozenset[str]:
        """Every way in which a rule can name it."""
        return frozenset({f"{CONTAINER}{self.container}", *filter(None, [self.project])})


class AllowedHosts(str):
    """The rules; an empty text lets everybody claim everything."""

    __slots__ = ("rules",)

    rules: tuple[tuple[str, tuple[str, ...]], ...]
    """Who, and which hosts: names, `*.` with a domain for all names below it, `*`."""

    @classmethod
    def parse(cls, text: str) -> AllowedHosts:
        """The rules, or ValueError with what to write instead."""
        found = cls(text.strip())
        parts = (part.strip() for part in re.split(r"[;\n]", text))
        found.rules = tuple(_rule(part) for part in parts if part)
        return found

    def refusal(self, router: Router, claimant: Claimant) -> tuple[str, str] | None:
        """The host that the router may not have, `*` for any, and why; None where it may have all of its."""
        if not self.rules:
            return None
        for host in _claims(router):
            if why := self._objection(host, claimant):
                return host, why
        return None

    def names_itself(self, host: str, claimant: Claimant) -> bool:
        """Whether a rule gives this very host to this very claimant."""
        return any(who in claimant.names and host in hosts for who, hosts in self.rules)

    def trusts(self, claimant: Claimant) -> bool:
        """Whether it may have any host, and so show whatever it wants."""
        if self.names_itself(ANY, claimant):
            return True
        everybody = any(who == ANY and ANY in hosts for who, hosts in self.rules)
        return everybody and not any(self._of_others(claimant))

    def names(self, host: str) -> bool:
        """Whether a rule gives this very host to somebody."""
        return any(who != ANY and host in hosts for who, hosts in self.rules)

    def _objection(self, host: str, claimant: Claimant) -> str:
        own = [pattern for who, hosts in self.rules if who in claimant.names for pattern in hosts]
        if any(covers(pattern, host) for pattern in own):
            return ""
        other = next((who for who, pattern in self._of_others(claimant) if _meet(pattern, host)), None)
        if other is not None:
            return f"--allow-hosts gives {_called(host)} to {other}."
        everybody = [pattern for who, hosts in self.rules if who == ANY for pattern in hosts]
        if ANY in everybody or (not host.startswith(ANY) and any(covers(each, host) for each in everybody)):
            return ""
        if host.startswith(ANY) and any(covers(each, host) for each in everybody):
            return "--allow-hosts gives single names to everybody (*), many at once only to who is named."
        given = ", ".join(dict.fromkeys((*own, *everybody))) or "no host"
        return f"--allow-hosts gives it {given}."

    def _of_others(self, claimant: Claimant) -> Iterator[tuple[str, str]]:
        """What rules name for somebody else; `*` named for one takes nothing from the rest."""
        for who, hosts in self.rules:
            if who != ANY and who not in claimant.names:
                yield from ((who, host) for host in hosts if host != ANY)


EVERYTHING = AllowedHosts.parse("")


def covers(pattern: str, host: str) -> bool:
    """Whether all names of `host` are names of the pattern; both may be wildcards."""
    return pattern in (ANY, host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def overlap(one: str, other: str) -> bool:
    """Whether a request can be for both hosts of rules, whose wildcards stand for one label."""
    if one == other:
        return True
    wildcard, name = (one, other) if one.startswith("*.") else (other, one)
    return wildcard.startswith("*.") and wildcard[1:] == f".{name.partition('.')[2]}"


def _meet(pattern: str, host: str) -> bool:
    return covers(pattern, host) or covers(host, pattern)


def _called(host: str) -> str:
    return "some of these names" if host.startswith(ANY) else "it"


def _claims(router: Router) -> Iterator[str]:
    """The hosts that the router can match or get certificates for; `*` where it can match any."""
    rule = parse_rule(router.rule)
    if rule.index is None:
        yield ANY
        return
    yield from sorted(rule.index | {*rule.hosts} | {*router.domains})


def _rule(text: str) -> tuple[str, tuple[str, ...]]:
    who, sign, hosts = (part.strip() for part in text.partition("="))
    if not sign:
        raise ValueError(f'Say who may have which hosts: {EXAMPLE}. There is no = in "{short(text)}".')
    if who.lower().startswith("label:"):
        raise ValueError(
            "Labels come with images, so none says who somebody is. "
            f"Write the compose project's name, or container:NAME. Example: {EXAMPLE}"
        )
    if not _WHO.fullmatch(who):
        raise ValueError(
            f'Before the = stands a compose project, container:NAME or * for everybody, not "{short(who)}". '
            f"Rules are separated by ; and hosts by commas. Example: {EXAMPLE}"
        )
    return who, tuple(_host(part, who) for each in hosts.split(",") if (part := each.strip())) or _none(who)


def _host(text: str, who: str) -> str:
    if "=" in text:
        raise ValueError(f'Two rules are separated by ; and not by a comma, before "{short(text)}".')
    try:
        return check_host(text)
    except BadArgument as error:
        hint = str(error).replace("Host takes", "A rule takes").partition(" Write ")[0]
        raise ValueError(
            f'"{short(text)}" is no host for {who}. {hint} '
            "Write blog.example.com, *.example.com for all names below it, or * for all."
        ) from None


def _none(who: str) -> tuple[str, ...]:
    raise ValueError(f"Say which hosts {who} may have: {who}=blog.example.com. * stands for all.")
