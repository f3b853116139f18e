"""Claims: which host names a router takes for itself, and whom it takes them from."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from discovery.allowed_hosts import overlap
from proxy.frozen import frozen
from proxy.matchers import PATH_MATCHERS
from proxy.model import Router
from proxy.rule import parse_rule
from proxy.syntax import And, Matcher, Node, Not, Or, RuleError, parse

_HOST = re.compile(r"(?<![!\w])host\(\s*[`\"]([^`\"]*)[`\"]\s*\)", re.IGNORECASE)
_EVERY_PATH = re.compile(r"&&\s*pathprefix\(\s*[`\"]/[`\"]\s*\)", re.IGNORECASE)
_NOTHING_ELSE = re.compile(r"[\s()|]*")


@lru_cache(maxsize=16_384)  # every merge asks about the same rules again
def hosts(rule: str) -> frozenset[str]:
    """The host names that the rule asks for."""
    return frozenset(name.lower().rstrip(".") for name in _HOST.findall(rule))


@lru_cache(maxsize=16_384)
def whole_hosts(rule: str) -> frozenset[str]:
    """The host names that the rule claims whole, without leaving paths or anything to others."""
    return hosts(rule) if _NOTHING_ELSE.fullmatch(_HOST.sub("", _EVERY_PATH.sub("", rule))) else frozenset()


@lru_cache(maxsize=16_384)
def restricts_path(rule: str) -> bool:
    """Whether the rule takes certain paths only, whichever of its hosts a request is for."""
    try:
        return _restricts(parse(rule))
    except RuleError:
        return False


def _restricts(node: Node) -> bool:
    match node:
        case Matcher(name, arguments):
            return name in PATH_MATCHERS and (name, arguments) != ("PathPrefix", ("/",))
        case Not(inner):
            return _restricts(inner)
        case And(nodes):
            return any(map(_restricts, nodes))
        case Or(nodes):
            return all(map(_restricts, nodes))


@frozen
class Rival:
    """A router that was there before and has the same host."""

    router: Router
    host: str


@dataclass(slots=True)
class Claims:
    """Routers by the host names in their rules, in the order in which they came."""

    by_host: dict[str, list[Router]] = field(default_factory=dict)

    def add(self, router: Router) -> None:
        for host in hosts(router.rule):
            self.by_host.setdefault(host, []).append(router)

    def taken(self, router: Router, own: Container[str] = ()) -> Rival | None:
        """Who already has a host whole that the router wants whole, `own` routers aside."""
        wanted = whole_hosts(router.rule)
        return next(
            (rival for rival in self._others(router, own) if rival.host in wanted and _whole(rival)), None
        )

    def shared(self, router: Router, own: Container[str] = ()) -> Rival | None:
        """Who else wants requests for one of the router's hosts, unless a path tells the two apart."""
        others = self._others(router, own)
        return next((rival for rival in others if not _apart(router, rival.router)), None)

    def overlapping(self, router: Router) -> Iterator[Rival]:
        """Routers of which one can match a request for one of the router's hosts."""
        for host in sorted(parse_rule(router.rule).index or ()):
            for older in self._near(host):
                theirs = parse_rule(older.rule).index or ()
                both = [each for each in theirs if overlap(host, each)]
                if both and meet(router, older):
                    yield Rival(older, max(host, *both, key=lambda name: not name.startswith("*.")))

    def _near(self, host: str) -> Iterator[Router]:
        if host.startswith("*."):
            near = [name for name in self.by_host if overlap(host, name)]
        else:
            near = [host, f"*.{host.partition('.')[2]}"]
        for name in near:
            yield from self.by_host.get(name, ())

    def _others(self, router: Router, own: Container[str]) -> Iterator[Rival]:
        for host in sorted(hosts(router.rule)):
            for older in self.by_host.get(host, ()):
                if older.name not in own and meet(router, older):
                    yield Rival(older, host)


def _whole(rival: Rival) -> bool:
    return rival.host in whole_hosts(rival.router.rule)


def _apart(one: Router, other: Router) -> bool:
    """Whether a path tells the two apart, as it does on purpose where one site has several apps."""
    return one.rule != other.rule and (restricts_path(one.rule) or restricts_path(other.rule))


def meet(one: Router, other: Router) -> bool:
    """Whether a request can come to both; a router without entrypoints is on the default ones."""
    return not one.entrypoints or not other.entrypoints or bool({*one.entrypoints} & {*other.entrypoints})
