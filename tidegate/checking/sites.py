"""Sites: what is served, a line for each router: its hosts, and where they lead."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from proxy.exchange import OnRequest, RequestHead, Response, get
from proxy.explain import rehearsed
from proxy.frozen import frozen
from proxy.middlewares.maintenance import Maintenance
from proxy.middlewares.redirectregex import RedirectRegex
from proxy.middlewares.redirectscheme import RedirectScheme
from proxy.model import Entrypoint, RoutingConfig, Server, Service
from proxy.table import Route
from proxy.values import PRIVATE

PATHS = "/", "/tidegate/check"
"""Of who is sent elsewhere from both of them nobody reaches the app."""
NOBODY = ip_address("192.0.2.1")  # an address of documentation (RFC 5737)


@frozen
class Owners:
    """Services by the ids of their containers; `unsure` are those of which no file tells the port."""

    names: Mapping[str, str]
    unsure: Collection[str]

    def told(self, server: Server) -> str:
        if server.owner not in self.names:
            return server.url
        name = self.names[server.owner]
        if server.owner in self.unsure:
            return f"{name}, at the port that its image exposes"
        return f"{name}:{server.port}"


class _Unseen:
    """Stands for a middleware of a file that is not seen."""

    steady = True

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        return request


def sites(
    config: RoutingConfig, entrypoints: Sequence[Entrypoint], owners: Owners, unseen: frozenset[str]
) -> Iterator[str]:
    """Whatever will be served, where the middlewares and services `unseen` are as they should be."""
    table = rehearsed(_with(unseen, config), entrypoints)
    for entrypoint in entrypoints:
        for route in table.routes[entrypoint.name]:
            if route.action == "serve":
                yield f"{_asked(route, tls=entrypoint.tls)} -> {_outcome(route, entrypoint.tls, owners)}"


def _with(unseen: frozenset[str], config: RoutingConfig) -> RoutingConfig:
    return replace(
        config,
        middlewares={**{name: _Unseen() for name in unseen}, **config.middlewares},
        services={**{name: Service(name) for name in unseen}, **config.services},
        broken=config.broken - unseen,
    )


def rule_of_hosts(rule: str) -> bool:
    """Whether the hosts say all of it."""
    return not re.sub(r"Host\((`[^`]*`(, *)?)*\)|\|\||\s", "", rule)


def _asked(route: Route, *, tls: bool) -> str:
    hosts = sorted(route.rule.hosts)
    if hosts and rule_of_hosts(route.router.rule):
        return ", ".join(host if tls else f"http://{host}" for host in hosts)
    return route.router.rule if tls else f"http:// {route.router.rule}"


def _outcome(route: Route, tls: bool, owners: Owners) -> str:
    for each in route.middlewares:
        if isinstance(each, Maintenance) and not each.hosts:
            own = tuple(map(str, each.source_range))
            networks = "the lan" if own == PRIVATE else ", ".join(own)
            return f"closed for maintenance, but for {networks}" if networks else "closed for maintenance"
        if isinstance(each, RedirectRegex | RedirectScheme) and (to := _redirected(each, route, tls)):
            return f"redirected to {to}"
    to = ", ".join(dict.fromkeys(map(owners.told, route.service.servers if route.service else ())))
    return to or route.router.service


def _redirected(middleware: OnRequest, route: Route, tls: bool) -> str:
    """Where everybody is sent who comes to the route's hosts; "" where somebody is not."""
    found: dict[str, None] = {}
    for host in sorted(route.rule.hosts):
        answers = [middleware.on_request(_head(host, path, tls)) for path in PATHS]
        for answer in answers:
            location = get(answer.fields, "Location") if isinstance(answer, Response) else None
            if not location:
                return ""
            to = urlsplit(location)
            found[to.netloc if to.netloc != host else f"{to.scheme}://{host}"] = None
    return ", ".join(found)


def _head(host: str, path: str, tls: bool) -> RequestHead:
    host = host.replace("*", "any", 1)
    scheme, port = ("https", 443) if tls else ("http", 80)
    return RequestHead("GET", path, (("Host", host),), host, NOBODY, scheme, port)
