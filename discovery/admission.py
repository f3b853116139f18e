"""Admission: what one more fragment adds to those that were there before it.

Claims that clash are decided by age: whoever came first keeps what it has, and
who comes later is told.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from discovery.claims import Claims
from discovery.clashes import about, keeps, kept_whole, refused, taken
from discovery.composites import with_parts
from discovery.fragment import Fragment
from discovery.references import lost, plain
from proxy.exchange import Middleware
from proxy.model import Router, Service, Withheld, withheld
from proxy.problem import Problem
from proxy.reference import MiddlewareName, ServiceName, renamed

T = TypeVar("T")


@dataclass(slots=True)
class Admitted:
    """The config so far, and whose each name is."""

    routers: dict[str, Router] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    middlewares: dict[str, Middleware] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    owners: dict[tuple[str, str], Fragment] = field(default_factory=dict)
    claims: Claims = field(default_factory=Claims)
    withheld: list[Withheld] = field(default_factory=list)


def definition(fragment: Fragment) -> Fragment:
    """What replicas have in common: all but who they are and which servers they bring."""
    return Fragment(
        source="",
        app=fragment.app,
        routers={name: replace(router, origin="") for name, router in fragment.routers.items()},
        services={name: _bare(service) for name, service in fragment.services.items()},
        middlewares=fragment.middlewares,
        withheld=tuple(replace(each, origin="") for each in fragment.withheld),
        broken=fragment.broken,
    )


def join(fragment: Fragment, first: Fragment, union: Admitted) -> None:
    for service in fragment.services.values():
        if union.owners["service", service.name] is first:
            _add_servers(service, union)


def _add_servers(service: Service, union: Admitted) -> None:
    so_far = union.services[service.name]
    servers = dict.fromkeys((*so_far.servers, *service.servers))
    starting = so_far.starting or service.starting
    union.services[service.name] = replace(so_far, servers=tuple(servers), starting=starting)


def _bare(service: Service) -> Service:
    """What is said of the service, whoever its servers are."""
    return replace(service, servers=(), starting=False)


def _shared(service: Service, fragment: Fragment, union: Admitted) -> bool:
    """Whether the containers of one project share it on purpose, as two versions of an app do."""
    so_far = union.services.get(service.name)
    mine = _akin(fragment, union.owners.get(("service", service.name)))
    return mine and so_far is not None and _bare(so_far) == _bare(service)


def _same_router(router: Router, fragment: Fragment, union: Admitted) -> bool:
    """Whether another container of the project has said it already."""
    so_far = union.routers.get(router.name)
    mine = _akin(fragment, union.owners.get(("router", router.name)))
    return mine and so_far is not None and replace(so_far, origin="") == replace(router, origin="")


def _akin(fragment: Fragment, keeper: Fragment | None) -> bool:
    return keeper is not None and bool(fragment.project) and keeper.project == fragment.project


def admit(fragment: Fragment, union: Admitted) -> None:
    """Take what the fragment claims, except what an older one already has."""
    shared = {name for name, service in fragment.services.items() if _shared(service, fragment, union)}
    for name in sorted(shared):
        _add_servers(fragment.services[name], union)
    own = {name: service for name, service in fragment.services.items() if name not in shared}
    services = _admit_all("service", own, union.services, fragment, union, operator.is_)
    for name in own.keys() - services.keys():
        union.services[name] = with_parts(union.services[name], lambda part: services.get(part, part))
    offered = fragment.middlewares
    middlewares = _admit_all("middleware", offered, union.middlewares, fragment, union, operator.eq)
    middlewares |= _reserve_broken(fragment, union)
    for name in offered.keys() - middlewares.keys():
        union.middlewares[name] = _reachable(union.middlewares[name], services, middlewares)
    for name, router in fragment.routers.items():
        reachable = replace(
            router,
            service=services.get(router.service, router.service),
            middlewares=tuple(middlewares.get(ref, ref) for ref in router.middlewares),
        )
        if _same_router(reachable, fragment, union):
            continue
        if problem := _objection(reachable, fragment, union):
            union.problems.append(problem)
        if problem is None or problem.severity == "notice":
            union.owners["router", name] = fragment
            union.routers[name] = reachable
            union.claims.add(reachable)
        else:
            union.withheld += withheld(reachable)


def _reachable(
    middleware: Middleware, services: Mapping[str, str], middlewares: Mapping[str, str]
) -> Middleware:
    """The middleware without ways to a stranger's element that happens to have the name it knows."""
    middleware = renamed(middleware, ServiceName, lambda name: services.get(name, name))
    return renamed(middleware, MiddlewareName, lambda name: middlewares.get(name, name))


def _reserve_broken(fragment: Fragment, union: Admitted) -> dict[str, str]:
    """Keep the names of what has a mistake in it: nobody else may fill them meanwhile."""
    keepers = {name: union.owners.setdefault(("middleware", name), fragment) for name in fragment.broken}
    return {name: lost(name, fragment.source) for name, keeper in keepers.items() if keeper is not fragment}


def _admit_all(
    kind: str,
    offered: Mapping[str, T],
    kept: dict[str, T],
    fragment: Fragment,
    union: Admitted,
    same: Callable[[T, T], bool],
) -> dict[str, str]:
    """Add what is new; for what somebody else has, a name that leads nowhere.

    The fragment's own routers must not silently use a stranger's element that
    happens to have the name they know.
    """
    gone = {}
    for name, element in offered.items():
        keeper = union.owners.setdefault((kind, name), fragment)
        if keeper is fragment:
            kept[name] = element
        elif name not in kept or not same(kept[name], element):
            gone[name] = lost(name, fragment.source)
            consequence = f"Routers of {fragment.source} that use it answer 503."
            union.problems.append(taken(kind, name, fragment, keeper, consequence))
    return gone


def _objection(router: Router, fragment: Fragment, union: Admitted) -> Problem | None:
    """Why the router cannot be taken, or what its owner should know."""
    keeper = union.owners.get(("router", router.name))
    if keeper is not None:
        consequence = (
            f"It is not served for {fragment.source}; {keeper.source} {keeper.comes_first} and keeps it."
        )
        return taken("router", router.name, fragment, keeper, consequence)
    if problem := _kept_whole(router, fragment, union):
        return problem
    if rival := union.claims.taken(router, own=fragment.routers):
        holder, where = rival.router.origin, fragment.places.get((router.name, "rule"))
        return refused(router, rival.host, holder, keeps(router, fragment, holder), where)
    if rival := union.claims.shared(router, own=fragment.routers):
        owner = union.owners["router", rival.router.name]
        if not fragment.project or owner.project != fragment.project:
            other = f'router "{plain(rival.router.name)}" of {owner.source}'
            what = f'The host "{rival.host}" is also asked for by {other}.'
            consequence = (
                "The higher priority is asked first, else the longer rule, of equal ones the first by name."
            )
            return about(router, what, consequence, "notice", fragment.places.get((router.name, "rule")))
    return None


def _kept_whole(router: Router, fragment: Fragment, union: Admitted) -> Problem | None:
    """While --allow-hosts is set, neither path nor priority gets a part of another's host."""
    if not fragment.allowed.rules:
        return None
    for rival in union.claims.overlapping(router):
        keeper = union.owners["router", rival.router.name]
        if keeper is fragment or _akin(fragment, keeper):
            continue
        if not all(fragment.allowed.names_itself(rival.host, each.claimant) for each in (fragment, keeper)):
            return kept_whole(router, rival.host, keeper, fragment)
    return None
