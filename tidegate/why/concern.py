"""Concern: which of a route file's problems are about one router; one file has those of many sites."""

from __future__ import annotations

import re
from collections.abc import Iterator

from discovery.composites import elements_named
from discovery.references import plain
from proxy.frozen import frozen
from proxy.model import RoutingConfig
from proxy.problem import Problem
from proxy.reference import MiddlewareName, ServiceName, referred

_ELEMENT = re.compile(r"\bhttp\.(routers|services|middlewares|serverstransports)\.(.*)", re.IGNORECASE)


@frozen
class Concern:
    """What a router is made of, by its plain names."""

    elements: frozenset[tuple[str, str]]

    def covers(self, problem: Problem) -> bool:
        """Whether the problem is about one of them, or about no element in particular: the whole file."""
        found = _ELEMENT.search(problem.where)
        if found is None:
            return True
        section, rest = found[1].lower(), f"{found[2].lower()}."
        # A name may have dots, and a value may stand behind the path.
        return any(
            section == kind and re.match(rf"{re.escape(name)}[.=\[]", rest) for kind, name in self.elements
        )


def concern_of(router: str, config: RoutingConfig) -> Concern:
    """The router, what it names, and what that names in turn."""
    known: set[tuple[str, str]] = set()
    waiting = [("routers", router)]
    while waiting:
        element = waiting.pop()
        if element not in known:
            known.add(element)
            waiting += _named_by(*element, config)
    return Concern(frozenset((kind, plain(name).lower()) for kind, name in known))


def _named_by(kind: str, name: str, config: RoutingConfig) -> Iterator[tuple[str, str]]:
    if kind == "routers" and (router := config.routers.get(name)):
        yield "services", router.service
        yield from (("middlewares", each) for each in router.middlewares)
    elif kind == "services" and (service := config.services.get(name)):
        yield from ((other, each) for each in elements_named(service) for other in ("services", TRANSPORTS))
    elif kind == "middlewares" and (middleware := config.middlewares.get(name)):
        yield from (("middlewares", each) for each in referred(middleware, MiddlewareName))
        yield from (("services", each) for each in referred(middleware, ServiceName))


TRANSPORTS = "serverstransports"
