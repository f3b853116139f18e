"""Rule: text such as Host(`example.com`) && PathPrefix(`/api`), read once and compiled into a predicate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from functools import lru_cache
from typing import Any

from proxy.frozen import frozen
from proxy.matchers import PATH_MATCHERS, Predicate, check_host
from proxy.syntax import And, Matcher, Node, Not, Or, RuleError, parse

__all__ = ["Rule", "RuleError", "parse_rule"]


@frozen
class Rule:
    """A rule that is ready: `matches(head)` costs no parsing.

    `hosts` are the names and wildcards that it names (they want certificates).
    `index` are those it can match at all, None where it can match any host.
    `guards_path` says that the path decides who answers.
    """

    text: str
    tree: Node
    hosts: tuple[str, ...]
    index: frozenset[str] | None
    certain: frozenset[str]
    """Hosts that it takes whatever else is asked."""
    guards_path: bool
    matches: Predicate = field(repr=False, compare=False)

    @property
    def priority(self) -> int:
        """The longer rule is taken to be the more special one."""
        return len(self.text.encode("utf-8", "surrogatepass"))


@lru_cache(
    maxsize=16_384
)  # whoever reads labels asks first, then the table; a new one has nearly all of the last
def parse_rule(text: str) -> Rule:
    """The rule, or RuleError."""
    tree = parse(text)
    return Rule(
        text,
        tree,
        hosts=tuple(_named_hosts(tree)),
        index=_index(tree),
        certain=_certain(tree),
        guards_path=any(_guards(matcher) for matcher, _ in _matchers(tree)),
        matches=compile_tree(tree),
    )


def _matchers(node: Node, positive: bool = True) -> Iterator[tuple[Matcher, bool]]:
    match node:
        case Matcher():
            yield node, positive
        case Not(inner):
            yield from _matchers(inner, not positive)
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from _matchers(each, positive)


def _named_hosts(tree: Node) -> Iterator[str]:
    names = (check_host(m.arguments[0]) for m, positive in _matchers(tree) if positive and m.name == "Host")
    return iter(dict.fromkeys(name for name in names if name != "*"))


def _guards(matcher: Matcher) -> bool:
    return matcher.name in PATH_MATCHERS and (matcher.name, matcher.arguments) != ("PathPrefix", ("/",))


def _index(node: Node) -> frozenset[str] | None:
    match node:
        case Matcher("Host", (text,)) if check_host(text) != "*":
            return frozenset((check_host(text),))
        case And(nodes):
            known = [index for each in nodes if (index := _index(each)) is not None]
            return min(known, key=len, default=None)
        case Or(nodes):
            each_index = [_index(each) for each in nodes]
            narrow = [index for index in each_index if index is not None]
            return frozenset().union(*narrow) if len(narrow) == len(each_index) else None
    return None


def _certain(node: Node) -> frozenset[str]:
    match node:
        case Matcher("Host", (text,)) if "*" not in text:
            return frozenset((check_host(text),))
        case Or(nodes):
            return frozenset().union(*map(_certain, nodes))
    return frozenset()


def compile_tree(node: Node) -> Callable[[Any], bool]:
    """One predicate for the whole tree, over whatever its matchers look at."""
    match node:
        case Matcher():
            return node.predicate
        case Not(inner):
            test = compile_tree(inner)
            return lambda head: not test(head)
        case And(nodes):
            return _all(tuple(map(compile_tree, nodes)))
        case Or(nodes):
            return _any(tuple(map(compile_tree, nodes)))


def _all(tests: tuple[Callable[[Any], bool], ...]) -> Callable[[Any], bool]:
    def every(head: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator here costs twice the comparison
            if not test(head):
                return False
        return True

    return every


def _any(tests: tuple[Callable[[Any], bool], ...]) -> Callable[[Any], bool]:
    def some(head: Any) -> bool:
        for test in tests:  # noqa: SIM110
            if test(head):
                return True
        return False

    return some
