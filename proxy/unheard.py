"""Unheard: what routers say of TLS options that may not be served; their hosts are not open for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from proxy.frozen import frozen
from proxy.host_index import covers
from proxy.model import Withheld
from proxy.rule import Rule, RuleError, parse_rule
from proxy.tls_options import TLSOptions


@frozen
class Claim:
    """Who said it, and the options; None where nobody knows them."""

    said: Withheld
    options: TLSOptions | None
    of_all: bool
    """Whether it counts for others than those who said it."""

    def concerns(self, origin: str) -> bool:
        asks = self.options is not None and self.options.asks
        return self.said.origin == origin or (self.of_all and asks)


@dataclass(slots=True)
class Unheard:
    """By host, and by origin for rules that may take any: they are for all hosts of who said it."""

    _by_host: dict[str, list[Claim]] = field(default_factory=dict)
    _anywhere: dict[str, list[Claim]] = field(default_factory=dict)
    _of_origin: dict[str, list[tuple[str, Claim]]] = field(default_factory=dict)
    """Each with its hosts: who takes any host takes those, too."""

    def add(self, said: Withheld, options: TLSOptions | None, *, of_all: bool = False) -> None:
        """`of_all`: options that ask for certificates count for other origins, too, at the hosts named."""
        claim = Claim(said, options, of_all)
        rule = _readable(said.rule)
        hosts = rule.hosts if rule else ()
        for host in hosts:
            self._by_host.setdefault(host, []).append(claim)
        if rule is None or rule.index is None or not hosts:
            self._anywhere.setdefault(said.origin, []).append(claim)
        self._of_origin.setdefault(said.origin, []).extend((host, claim) for host in hosts or ("",))

    def near(self, rule: Rule, origin: str) -> Iterator[tuple[str, Claim]]:
        """What concerns the rule of somebody's router, each with the host where they meet."""
        if not self._of_origin:
            return
        for host in rule.hosts:
            yield from (found for found in self._at(host) if found[1].concerns(origin))
            yield from ((host, claim) for claim in self._anywhere.get(origin, ()))
        if rule.index is None or not rule.hosts:
            yield from self._of_origin.get(origin, ())

    def _at(self, host: str) -> Iterator[tuple[str, Claim]]:
        for other in dict.fromkeys((host, "*." + host.partition(".")[2])):
            yield from ((host, claim) for claim in self._by_host.get(other, ()))
        if host.startswith("*."):
            for other, claims in self._by_host.items():
                if covers(host, other) and other != host:
                    yield from ((other, claim) for claim in claims)


def _readable(rule: str) -> Rule | None:
    try:
        return parse_rule(rule)
    except RuleError:
        return None
