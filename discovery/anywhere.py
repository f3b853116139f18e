"""Anywhere: routers whose rule names no host, and whose requests they take as well.

They are allowed, for a page of errors or a health check; but a longer rule
comes first, and nobody should have to guess why his site shows another app.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address

from discovery.claims import hosts, meet
from discovery.clashes import about
from discovery.fragment import Fragment
from discovery.references import plain
from proxy.exchange import Fields, RequestHead
from proxy.model import Router
from proxy.problem import Problem
from proxy.rule import parse_rule

MOST_TRIED = 50
"""Hosts that an expression is tried on: it is a notice, not a proof."""


def overtaken(
    routers: Mapping[str, Router],
    owners: Mapping[tuple[str, str], Fragment],
    places: Mapping[tuple[str, str], str],
) -> Iterator[Problem]:
    """A notice for each router without a host that comes before a stranger's."""
    named = sorted((router for router in routers.values() if hosts(router.rule)), key=_rank)
    for router in routers.values():
        if hosts(router.rule):
            continue
        mine = owners["router", router.name]
        others = [each for each in named if _stranger(owners["router", each.name], mine)]
        if later := _first_after(router, others):
            whose = f'router "{plain(later.name)}" of {later.origin}'
            what = f"It names no host, so it also takes requests for those of others, such as {whose}."
            consequence = "It comes first there: its rule is longer or its priority higher."
            yield about(router, what, consequence, "notice", places.get((router.name, "rule")))


def _first_after(router: Router, others: Sequence[Router]) -> Router | None:
    expression = parse_rule(router.rule) if "hostregexp" in router.rule.lower() else None
    for other in others[:MOST_TRIED]:
        if _rank(other) >= _rank(router):
            return None
        host = min(hosts(other.rule))
        if meet(router, other) and (expression is None or expression.matches(_head(host))):
            return other
    return None


def _rank(router: Router) -> int:
    return router.priority or len(router.rule)


def _stranger(one: Fragment, other: Fragment) -> bool:
    return one is not other and (not one.project or one.project != other.project)


def _head(host: str) -> RequestHead:
    return RequestHead("GET", "/", Fields(()), host, ip_address("127.0.0.1"))
