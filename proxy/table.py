"""Table: a RoutingConfig, ready to be asked which route takes a request.

A lookup costs the same with ten hosts and with ten thousand: rules that can
match only certain hosts are found by a dictionary, the others are merged in
beforehand.  A table is built whole and never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from proxy.balancing import Balanced
from proxy.breath import breathe
from proxy.certifying import certified_by
from proxy.composite import Composites, Unresolvable
from proxy.exchange import Acting, Begins, OnRequest, OnResponse, RequestHead, is_steady, treats_alike
from proxy.host_index import HostIndex, covers
from proxy.http2_lane import SCHEME, OverHTTP2
from proxy.model import Entrypoint, Failover, Mirrored, Router, RoutingConfig, Service, Weighted
from proxy.option import closest
from proxy.problem import Problem
from proxy.reference import ServiceName, referred
from proxy.route import Refusal, Route, ToHTTPS
from proxy.rule import Rule, RuleError, parse_rule
from proxy.running import Running
from proxy.securing import Secured, Securing
from proxy.steps import Unresolved, around_handler, behind, expanded, hurried, on_heads
from proxy.target import is_ambiguous
from proxy.tls_options import TLSOptions

__all__ = ["Entrypoint", "Route", "RoutingTable", "compile_table"]


@dataclass
class RoutingTable:
    """What every entrypoint serves; asked by `find` for each request."""

    routes: Mapping[str, tuple[Route, ...]] = field(default_factory=dict)
    """By the entrypoint's name, in the order in which they are tried."""
    problems: tuple[Problem, ...] = ()
    """What could be seen only here: broken rules, unknown entrypoints."""
    services: Mapping[str, Service] = field(default_factory=dict)
    """Those that can be asked, each with what it is made of."""
    _indexes: Mapping[str, HostIndex[Route]] = field(default_factory=dict, repr=False)
    _guards: HostIndex[Rule] = field(default_factory=lambda: HostIndex(()), repr=False)
    _certain: Mapping[str, Mapping[str, Route]] = field(default_factory=dict, repr=False)
    _hosts: frozenset[str] = frozenset()
    resolvers: Mapping[str, str] = field(default_factory=dict)
    """Who certifies those of its hosts whose names do not decide it."""
    securing: Securing = field(default_factory=Securing)
    """What handshakes take and ask for, by host."""
    all_plain: bool = False
    """Whether all routes are known to be plain; found when it is made, for the loop has no time to."""

    def find(self, entrypoint: str, head: RequestHead) -> Route | None:
        """The first route whose rule takes the request."""
        index = self._indexes.get(entrypoint)
        if index is None:
            return None
        for route in index.candidates(head.host):
            if route.rule.matches(head):
                return route
        return None

    def certain(self, entrypoint: str, host: str) -> Route | None:
        """The plain route that takes all requests for this host as they are, whatever else they say."""
        routes = self._certain.get(entrypoint)
        return None if routes is None else routes.get(host)

    def misdirected(self, agreed: TLSOptions | None, host: str) -> bool:
        """Whether the connection was made on other terms than hold for this host (RFC 9110 15.5.20).

        `agreed` are those of its handshake, None without TLS.
        """
        securing = self.securing
        if agreed is None or (agreed is securing.default and not securing.by_host):
            return False
        return securing.of(host) != agreed

    def guarded(self, head: RequestHead) -> bool:
        """Whether to refuse the request: a path decides on this host, and this path has two readings."""
        return is_ambiguous(head.path) and bool(self._guards.candidates(head.host))

    def hosts(self) -> frozenset[str]:
        """The names that want a certificate."""
        return self._hosts


def compile_table(
    config: RoutingConfig, entrypoints: Sequence[Entrypoint], running: Running | None = None
) -> RoutingTable:
    """The table that serves the config.  Fails closed: what is not as declared answers 503.

    `running` has what has begun of the middlewares for the table before this one.
    """
    rules, problems = _read_rules(config)
    services = Composites(config.services, config.transports)
    secured = Secured(config, rules)
    securing = secured.securing()
    problems += secured.problems
    routes: dict[str, list[Route]] = {entrypoint.name: [] for entrypoint in entrypoints}
    spare: dict[str, list[Route]] = {entrypoint.name: [] for entrypoint in entrypoints}
    wanting: dict[str, tuple[Router, set[str]]] = {}
    for name, rule in rules.items():
        router = config.routers[name]
        places = attached(router, entrypoints)
        problems += _unknown_entrypoints(router, entrypoints)
        for entrypoint in places:
            route = _route(config, services, secured, router, rule, entrypoint, places, running)
            routes[entrypoint.name].append(route)
            if entrypoint.tls and router.tls is not False:
                wanting[name] = router, {*rule.hosts, *router.domains}
        for entrypoint in _left_to_redirect(router, places, entrypoints):
            route = _route(config, services, secured, router, rule, entrypoint, places, running)
            spare[entrypoint.name].append(route)
    problems += _missing_defaults(config, entrypoints)
    resolvers, disagreements = certified_by(wanting, config.resolver)
    problems += disagreements
    if running:
        running.forget()
    in_order = {
        name: (*sorted(found, key=_order), *sorted(spare[name], key=_order)) for name, found in routes.items()
    }
    indexes = {
        name: HostIndex((route.rule.index, route) for route in found) for name, found in in_order.items()
    }
    guards = HostIndex((rule.index, rule) for rule in rules.values() if rule.guards_path)
    return RoutingTable(
        in_order,
        tuple(problems),
        services.all(),
        indexes,
        guards,
        {name: _certain(index, guards) for name, index in indexes.items()},
        frozenset(host for _, hosts in wanting.values() for host in hosts),
        resolvers,
        securing,
        all(route.plain for found in in_order.values() for route in found),
    )


def _certain(index: HostIndex[Route], guards: HostIndex[Rule]) -> dict[str, Route]:
    first = {}
    for host in index.names():
        breathe()
        route = index.candidates(host)[0]
        waits = route.on_request or guards.candidates(host)
        if host in route.rule.certain and route.plain and not waits:
            first[host] = route
    return first


def _order(route: Route) -> tuple[int, bool, str]:
    """Highest priority first; who names the plain entrypoint comes before somebody's automatic redirect."""
    breathe()
    return -route.priority, route.action == "redirect", route.name


def _read_rules(config: RoutingConfig) -> tuple[dict[str, Rule], list[Problem]]:
    rules: dict[str, Rule] = {}
    problems: list[Problem] = []
    for name, router in config.routers.items():
        try:
            rules[name] = parse_rule(router.rule)
        except RuleError as error:
            what = f"{error.pointed(router.rule)}\n{error}"
            problems.append(
                Problem(_where(router, "rule"), what, f'Router "{_plain(router)}" is not served.')
            )
    return rules, problems


def _where(router: Router, option: str) -> str:
    """Both a label's name and a file's tree have these words in this order, so they can be searched for."""
    place = f"http.routers.{_plain(router)}.{option}"
    return f"{router.origin}: {place}" if router.origin else place


def _plain(router: Router) -> str:
    return router.name.partition("@")[0]


def attached(router: Router, entrypoints: Iterable[Entrypoint]) -> list[Entrypoint]:
    """Where the router is served, or sends visitors to HTTPS."""
    if router.entrypoints:
        return [each for each in entrypoints if each.name in router.entrypoints]
    return [each for each in entrypoints if each.default and not (each.tls and router.tls is False)]


def _left_to_redirect(
    router: Router, places: Sequence[Entrypoint], entrypoints: Iterable[Entrypoint]
) -> list[Entrypoint]:
    """The plain entrypoints from which the router's visitors are sent to HTTPS where nobody else wants them.

    A router that is only on the usual TLS entrypoint is as open to plain HTTP as one that is on both; what
    it says, or the installation, keeps its app, not its visitors, from there.
    """
    if router.tls is False or any(not each.tls for each in places):
        return []
    if not any(map(_usual, places)):
        return []
    return [each for each in entrypoints if _usual(each) and not each.tls]


def _usual(entrypoint: Entrypoint) -> bool:
    return entrypoint.default if entrypoint.usual is None else entrypoint.usual


def _unknown_entrypoints(router: Router, entrypoints: Sequence[Entrypoint]) -> list[Problem]:
    known = [each.name for each in entrypoints]
    return [
        Problem(
            f"{_where(router, 'entrypoints')}={name}",
            f'There is no entrypoint "{name}". ' + _instead(closest(name, known), known),
            f'Router "{_plain(router)}" is not served there.',
        )
        for name in router.entrypoints
        if name not in known
    ]


def _missing_defaults(config: RoutingConfig, entrypoints: Sequence[Entrypoint]) -> Iterator[Problem]:
    """Said once, not of each router; what was declared with a mistake has a problem of its own."""
    for name in dict.fromkeys(name for each in entrypoints for name in each.middlewares):
        if name in config.middlewares or name in config.broken:
            continue
        known = sorted(config.middlewares)
        instead = _instead(closest(name, known), known) if known else "None is declared."
        where = ", ".join(each.name for each in entrypoints if name in each.middlewares)
        yield Problem(
            f"default_middlewares={name}",
            f'There is no middleware "{name}". {instead}',
            f"Routers on {where} that take the defaults answer 503 until it exists.",
        )


def _instead(guess: str | None, known: Sequence[str]) -> str:
    return f'Did you mean "{guess}"?' if guess else f"Known: {', '.join(known)}."


def _route(
    config: RoutingConfig,
    services: Composites,
    secured: Secured,
    router: Router,
    rule: Rule,
    entrypoint: Entrypoint,
    places: Sequence[Entrypoint],
    running: Running | None,
) -> Route:
    service = config.services.get(router.service)
    passes = passed(router, entrypoint)
    if config.closed:
        passes = (*_closing(config, rule), *passes)
    secure = [each for each in places if each.tls]
    if not entrypoint.tls and router.tls is not False and secure:
        redirect = ToHTTPS(secure[0].port or 443)
        return Route(router.name, router, rule, service, "redirect", on_request=(redirect,))
    try:
        _check(config, secured, router, entrypoint)
        middlewares = _acting(config, router, passes, running)
        service = services.of(router.service)
        if isinstance(service.how, Mirrored):
            service = _mirrored(service.how, router, middlewares, running)
        elif isinstance(service.how, Failover) and service.how.statuses:
            middlewares.append(_failing_over(service.how, router, running))
        if any(server.scheme == SCHEME for server in service.servers):
            middlewares.append(OverHTTP2())
    except (Unresolved, Unresolvable) as broken:
        refusal = (Refusal(),)
        return Route(
            router.name, router, rule, service, "broken", str(broken), on_request=refusal, passes=passes
        )
    heads = on_heads(middlewares)
    on_request = tuple(each for each in heads if isinstance(each, OnRequest))
    on_response = tuple(each for each in reversed(heads) if isinstance(each, OnResponse))
    wrap = around_handler(middlewares)
    on_passage = (*behind(wrap), *on_response)
    return Route(
        router.name,
        router,
        rule,
        service,
        middlewares=tuple(middlewares),
        on_request=on_request,
        on_response=on_response,
        steady=all(map(is_steady, on_request)),
        steady_back=all(map(is_steady, on_passage)),
        alike=all(map(treats_alike, on_passage)),
        wrap=wrap,
        hurried=hurried(wrap),
        on_passage=on_passage,
        passes=passes,
        picks=service.how is not None,
        particular=_is_particular(service),
    )


def _is_particular(service: Service) -> bool:
    """Whether some server of it is limited or has a path: decided here, not with each request."""
    how = service.how
    if isinstance(how, Weighted | Failover):
        return any(part.service and _is_particular(part.service) for part in how.parts)
    limited = isinstance(how, Balanced) and how.max_connections > 0
    return limited or any(server.path for server in service.servers)


def _mirrored(how: Mirrored, router: Router, middlewares: list[Acting], running: Running | None) -> Service:
    """The service that answers; who makes the copies stands before it, behind all middlewares."""
    if running is None or (main := how.parts[0].service) is None:
        raise Unresolved("Copies of requests cannot be made here.")
    from proxy.copying import Copying  # only who has such a service pays for it

    shares = tuple((part.name, part.weight) for part in how.parts[1:])
    copying = Copying(shares, how.with_content, how.most)
    middlewares.append(running.of(router.name, f"copies of {router.service}", copying))
    return main


def _failing_over(how: Failover, router: Router, running: Running | None) -> Acting:
    if running is None:
        raise Unresolved("Requests cannot be asked again here.")
    from proxy.failing_over import FailingOver  # only who has such a service pays for it

    main, fallback = (part.name for part in how.parts)
    declared = FailingOver(main, fallback, how.statuses, how.most)
    return running.of(router.name, f"failover of {router.service}", declared)


def _check(config: RoutingConfig, secured: Secured, router: Router, entrypoint: Entrypoint) -> None:
    if router.service not in config.services:
        raise Unresolved(f'There is no service "{router.service}".')
    if router.tls and not entrypoint.tls:
        raise Unresolved("It asks for TLS, but none of its entrypoints has it.")
    if entrypoint.tls and router.name in secured.refused:
        raise Unresolved(secured.refused[router.name])


def passed(router: Router, entrypoint: Entrypoint) -> tuple[str, ...]:
    """The names of the middlewares that the router's requests pass there.

    What the router names itself stands where the router has it, and not twice.
    """
    if not router.defaults or not entrypoint.middlewares:
        return router.middlewares
    first = (name for name in entrypoint.middlewares if name not in router.middlewares)
    return (*first, *router.middlewares)


def _closing(config: RoutingConfig, rule: Rule) -> Iterator[str]:
    """What closes a host that the rule may take; one with no index may take any."""
    for host, name in config.closed.items():
        if rule.index is None or any(covers(each, host) or covers(host, each) for each in rule.index):
            yield name


def _acting(
    config: RoutingConfig, router: Router, passes: Sequence[str], running: Running | None
) -> list[Acting]:
    """What acts on the router's requests, outermost first."""
    acting: list[Acting] = []
    for name, declared in expanded(passes, config.middlewares, config.broken):
        for service in referred(declared, ServiceName):
            if service not in config.services:
                raise Unresolved(f'Middleware "{name}" asks service "{service}", which does not exist.')
        if not isinstance(declared, Begins):
            acting.append(declared)
        elif running:
            acting.append(running.of(router.name, name, declared))
        else:
            raise Unresolved(f'Middleware "{name}" cannot run here.')
    return acting
