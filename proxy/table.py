"""Table: a RoutingConfig, ready to be asked which route takes a request.

A lookup costs the same with ten hosts and with ten thousand: rules that can
match only certain hosts are found by a dictionary, the others are merged in
beforehand.  A table is built whole and never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from proxy.composite import Composites, Unresolvable
from proxy.copying import Copying
from proxy.exchange import Acting, Begins, OnRequest, OnResponse, RequestHead
from proxy.host_index import HostIndex
from proxy.model import Entrypoint, Mirrored, Router, RoutingConfig, Service
from proxy.option import closest
from proxy.problem import Problem
from proxy.reference import ServiceName, referred
from proxy.route import Refusal, Route, ToHTTPS
from proxy.rule import Rule, RuleError, parse_rule
from proxy.running import Running
from proxy.steps import Unresolved, around_handler, expanded, on_heads
from proxy.target import is_ambiguous

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
    _hosts: frozenset[str] = frozenset()

    def find(self, entrypoint: str, head: RequestHead) -> Route | None:
        """The first route whose rule takes the request."""
        index = self._indexes.get(entrypoint)
        if index is None:
            return None
        for route in index.candidates(head.host):
            if route.rule.matches(head):
                return route
        return None

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
    routes: dict[str, list[Route]] = {entrypoint.name: [] for entrypoint in entrypoints}
    spare: dict[str, list[Route]] = {entrypoint.name: [] for entrypoint in entrypoints}
    hosts: set[str] = set()
    for name, rule in rules.items():
        router = config.routers[name]
        attached = _attached(router, entrypoints)
        problems += _unknown_entrypoints(router, entrypoints)
        for entrypoint in attached:
            route = _route(config, services, router, rule, entrypoint, attached, running)
            routes[entrypoint.name].append(route)
            if entrypoint.tls and router.tls is not False:
                hosts.update(rule.hosts, router.domains)
        for entrypoint in _left_to_redirect(router, attached, entrypoints):
            route = _route(config, services, router, rule, entrypoint, attached, running)
            spare[entrypoint.name].append(route)
    if running:
        running.forget()
    in_order = {
        name: (*sorted(found, key=_order), *sorted(spare[name], key=_order)) for name, found in routes.items()
    }
    return RoutingTable(
        in_order,
        tuple(problems),
        services.all(),
        {name: HostIndex((route.rule.index, route) for route in found) for name, found in in_order.items()},
        HostIndex((rule.index, rule) for rule in rules.values() if rule.guards_path),
        frozenset(hosts),
    )


def _order(route: Route) -> tuple[int, bool, str]:
    """Highest priority first; who names the plain entrypoint comes before somebody's automatic redirect."""
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


def _attached(router: Router, entrypoints: Iterable[Entrypoint]) -> list[Entrypoint]:
    if router.entrypoints:
        return [each for each in entrypoints if each.name in router.entrypoints]
    return [each for each in entrypoints if each.default and not (each.tls and router.tls is False)]


def _left_to_redirect(
    router: Router, attached: Sequence[Entrypoint], entrypoints: Iterable[Entrypoint]
) -> list[Entrypoint]:
    """The plain entrypoints from which the router's visitors are sent to HTTPS where nobody else wants them.

    A router that names only the usual TLS entrypoint is as open to plain HTTP as one that names none; what
    it says keeps its app, not its visitors, from there.
    """
    if router.tls is False or not router.entrypoints or any(not each.tls for each in attached):
        return []
    if not any(each.default for each in attached):
        return []
    return [each for each in entrypoints if each.default and not each.tls]


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


def _instead(guess: str | None, known: Sequence[str]) -> str:
    return f'Did you mean "{guess}"?' if guess else f"Known: {', '.join(known)}."


def _route(
    config: RoutingConfig,
    services: Composites,
    router: Router,
    rule: Rule,
    entrypoint: Entrypoint,
    attached: Sequence[Entrypoint],
    running: Running | None,
) -> Route:
    service = config.services.get(router.service)
    secure = [each for each in attached if each.tls]
    if not entrypoint.tls and router.tls is not False and secure:
        redirect = ToHTTPS(secure[0].port or 443)
        return Route(router.name, router, rule, service, "redirect", on_request=(redirect,))
    try:
        _check(config, router, entrypoint)
        middlewares = _acting(config, router, running)
        service = services.of(router.service)
        if isinstance(service.how, Mirrored):
            service = _mirrored(service.how, router, middlewares, running)
    except (Unresolved, Unresolvable) as broken:
        return Route(router.name, router, rule, service, "broken", str(broken), on_request=(Refusal(),))
    heads = on_heads(middlewares)
    return Route(
        router.name,
        router,
        rule,
        service,
        middlewares=tuple(middlewares),
        on_request=tuple(each for each in heads if isinstance(each, OnRequest)),
        on_response=tuple(each for each in reversed(heads) if isinstance(each, OnResponse)),
        wrap=around_handler(middlewares),
        picks=service.how is not None,
    )


def _mirrored(how: Mirrored, router: Router, middlewares: list[Acting], running: Running | None) -> Service:
    """The service that answers; who makes the copies stands before it, behind all middlewares."""
    if running is None or (main := how.parts[0].service) is None:
        raise Unresolved("Copies of requests cannot be made here.")
    shares = tuple((part.name, part.weight) for part in how.parts[1:])
    copying = Copying(shares, how.with_content, how.most)
    middlewares.append(running.of(router.name, f"copies of {router.service}", copying))
    return main


def _check(config: RoutingConfig, router: Router, entrypoint: Entrypoint) -> None:
    if router.service not in config.services:
        raise Unresolved(f'There is no service "{router.service}".')
    if router.tls and not entrypoint.tls:
        raise Unresolved("It asks for TLS, but none of its entrypoints has it.")


def _acting(config: RoutingConfig, router: Router, running: Running | None) -> list[Acting]:
    """What acts on the router's requests, outermost first."""
    acting: list[Acting] = []
    for name, declared in expanded(router.middlewares, config.middlewares, config.broken):
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
