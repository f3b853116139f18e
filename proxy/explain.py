"""Explain: which route takes a request, why the others do not, and what would become of it on its way.

Nothing here decides: `decide`, the rules' predicates, the middlewares and
`obstacle` are those that serve, and this says what they said.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence

from proxy.decision import Decision, decide
from proxy.exchange import Acting, Begins, OnRequest, RequestHead, Response
from proxy.frozen import frozen
from proxy.host_index import covers
from proxy.http2_lane import OverHTTP2
from proxy.middlewares import MIDDLEWARES
from proxy.misses import missed
from proxy.model import RoutingConfig
from proxy.plain import obstacle
from proxy.rehearsal import Nowhere, Outcome, Step, behind, step
from proxy.running import Running
from proxy.steps import OnHead, Unresolved, expanded
from proxy.table import Entrypoint, Route, RoutingTable, compile_table

ALIKE = 0.85
"""Of names below one domain everything is alike; a slip of two letters is more."""


NOT_FOUND = 404


@frozen
class Miss:
    """A router that was asked before, or that might have been meant, and the condition that did not hold."""

    router: str
    rule: str
    condition: str
    near: bool


@frozen
class Explanation:
    """`status` is that of the proxy's own answer, None where a server is asked."""

    decision: Decision
    status: int | None
    reason: str
    misses: tuple[Miss, ...]
    steps: tuple[Step, ...]
    lane: str
    because: str
    defaults: tuple[str, ...] = ()
    """Those of its middlewares that the installation has put before the router's own."""
    similar: str = ""
    """A host that is served and may have been meant."""

    @property
    def location(self) -> str:
        """Where the answer sends the client; "" where it is no redirect."""
        if self.status is None or not 300 <= self.status < 400:
            return ""
        response = self.decision.response
        told = response.get("Location") if response else ""
        return told or next((each.location for each in self.steps if each.status), "")

    @property
    def route(self) -> Route | None:
        return self.decision.route


def rehearsed(config: RoutingConfig, entrypoints: Sequence[Entrypoint]) -> RoutingTable:
    """The table that serves this config, with middlewares of its own that do nothing to anybody."""
    return compile_table(config, entrypoints, Running(Nowhere()))


def explain(
    config: RoutingConfig,
    entrypoints: Sequence[Entrypoint],
    entrypoint: str,
    head: RequestHead,
    answers: Callable[[str], bytes | None],
    *,
    upgrade: str = "",
    fast_lane: bool = True,
) -> Explanation:
    """What would become of a request with this head there, and of nothing else."""
    table = rehearsed(config, entrypoints)
    noted: list[tuple[OnRequest, RequestHead, RequestHead | Response]] = []
    decision = decide(table, entrypoint, head, answers, lambda *each: noted.append(each))
    route = decision.route
    steps = tuple(_steps(config, route, decision, noted)) if route else ()
    status = (
        decision.response.status
        if decision.response
        else next((each.status for each in steps if each.status), None)
    )
    lane, because = _lane(route, steps, upgrade, fast_lane) if route and status is None else ("none", "")
    return Explanation(
        decision,
        status,
        _reason(decision, steps),
        tuple(_misses(table, entrypoint, head, route)) if route or status == NOT_FOUND else (),
        steps,
        lane,
        because,
        _defaults(config, route) if route else (),
        "" if route else _similar(table, entrypoint, head.host),
    )


def _reason(decision: Decision, steps: Sequence[Step]) -> str:
    if decision.route is None:
        match decision.response.status if decision.response else 0:
            case 200:
                return "a certificate authority's question is answered here"
            case 400:
                return "servers disagree about which path this is, and a path decides on this host"
            case _:
                return "no router takes it"
    if decision.route.action != "serve":
        return decision.route.reason
    return next((f"middleware {each.name} ({each.kind}) {each.does}" for each in steps if each.status), "")


def _misses(table: RoutingTable, entrypoint: str, head: RequestHead, taken: Route | None) -> Iterator[Miss]:
    """Those that come before the route that takes it, the near ones first."""
    found = []
    for route in table.routes.get(entrypoint, ()):
        if route is taken:
            break
        named = any(covers(host, head.host) for host in route.rule.hosts) or not route.rule.hosts
        near = named or (
            not taken and bool(difflib.get_close_matches(head.host, route.rule.hosts, n=1, cutoff=ALIKE))
        )
        found.append(Miss(route.name, route.router.rule, missed(route.rule.tree, head), near))
    return iter(sorted(found, key=lambda miss: not miss.near))


def _similar(table: RoutingTable, entrypoint: str, host: str) -> str:
    known = dict.fromkeys(name for route in table.routes.get(entrypoint, ()) for name in route.rule.hosts)
    return next(
        iter(difflib.get_close_matches(host, [name for name in known if name != host], n=1, cutoff=ALIKE)), ""
    )


def _steps(
    config: RoutingConfig,
    route: Route,
    decision: Decision,
    noted: Sequence[tuple[OnRequest, RequestHead, RequestHead | Response]],
) -> Iterator[Step]:
    """Each middleware in its order, up to the one that answers."""
    seen = {id(which): (before, outcome) for which, before, outcome in noted}
    wrapping = {id(each.middleware if isinstance(each, OnHead) else each): each for each in route.wrap}
    head = decision.head
    outcome: Outcome
    for (name, declared), acting in zip(_declared(config, route), route.middlewares, strict=False):
        if id(acting) in seen:
            before, outcome = seen[id(acting)]
            yield (done := step(name, kind_of(declared), before, outcome))
        elif wrapper := wrapping.get(id(acting)):
            outcome = behind(wrapper, head)
            yield (done := step(name, kind_of(declared), head, outcome))
            head = outcome if isinstance(outcome, RequestHead) else head
        else:
            yield (done := Step(name, kind_of(declared), "looks at the answer"))
        if done.status:
            return


def _declared(config: RoutingConfig, route: Route) -> list[tuple[str, Acting | Begins]]:
    try:
        return expanded(route.passes, config.middlewares, config.broken)
    except Unresolved:
        return []  # the route says so itself


def _defaults(config: RoutingConfig, route: Route) -> tuple[str, ...]:
    closing = config.closed.values()
    first = [name for name in route.passes if name not in route.router.middlewares and name not in closing]
    try:
        return tuple(name for name, _ in expanded(first, config.middlewares, config.broken))
    except Unresolved:
        return ()  # the route says so itself


def kind_of(declared: object) -> str:
    kind = type(declared).__name__.lower()
    return kind if MIDDLEWARES.get(kind) is type(declared) else "middleware"


def _lane(route: Route, steps: Sequence[Step], upgrade: str, fast_lane: bool) -> tuple[str, str]:
    if not fast_lane:
        return "aiohttp", "the fast lane is switched off"
    match obstacle(route, upgrade):
        case None:
            return "fast", "nothing needs the body or has to wait"
        case str(protocol):
            return "aiohttp", f"it asks to upgrade to {protocol}"
        case OverHTTP2():
            return "aiohttp", "its server speaks HTTP/2 (h2c)"
        case middleware:
            place = next(at for at, each in enumerate(route.middlewares) if each is middleware)
            if place >= len(steps):  # what stands behind the declared ones is the service's own
                return "aiohttp", "its service may ask others, too"
            which = steps[place]
            return "aiohttp", f"middleware {which.name} ({which.kind}) needs the body or has to wait"
