"""Merge: what many containers and files ask for -> one RoutingConfig.

Replicas join, claims that clash are decided by age, and everything that is
left out is said.  The outcome depends only on the set of fragments, never on
the order in which they came: a route that flaps is worse than one that is off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from discovery.admission import Admitted, admit, definition, join
from discovery.allowed_hosts import EVERYTHING, AllowedHosts
from discovery.anywhere import overtaken
from discovery.borrowing import without_borrowed
from discovery.claims import Claims, Rival
from discovery.clashes import differs, refused
from discovery.composites import elements_named
from discovery.fragment import Fragment
from discovery.references import LOST, dangling, provider_of
from proxy.model import Router, RoutingConfig, Withheld, withheld
from proxy.problem import Problem
from proxy.reaching import Transport
from proxy.reference import MiddlewareName, referred
from proxy.tls_options import TLSOptions

LONGEST_TEXT = 600
FIRST_COME = "route files have their hosts first, containers get what is left."


def merge(fragments: Iterable[Fragment]) -> RoutingConfig:
    """One provider's fragments as a config; what refers to other providers is left to `combine`."""
    union = Admitted()
    replicas: dict[str, Fragment] = {}
    broken: set[str] = set()
    places: dict[tuple[str, str], str] = {}
    transports: dict[str, Transport] = {}
    tls_options: dict[str, TLSOptions | None] = {}
    for fragment in sorted(fragments, key=lambda each: (each.created, each.owner, each.source)):
        union.problems += fragment.problems
        union.withheld += fragment.withheld
        broken |= fragment.broken
        for name, transport in fragment.transports.items():
            transports.setdefault(name, transport)
        for name, options in fragment.tls_options.items():
            tls_options.setdefault(name, options)
        for place_of, where in fragment.places.items():
            places.setdefault(place_of, where)
        first = replicas.setdefault(fragment.app, fragment)
        if first is fragment:
            admit(fragment, union)
        elif definition(fragment) == definition(first):
            join(fragment, first, union)
        else:
            union.problems.append(differs(fragment, first))
    without_borrowed(union)
    broken = (broken - union.middlewares.keys()) | _lost(union)
    found = union.routers, union.services, union.middlewares
    config = RoutingConfig(
        *found,
        broken=frozenset(broken),
        transports=transports,
        tls_options=tls_options,
        withheld=tuple(union.withheld),
    )
    own = {provider_of(name) for name in config.routers}
    problems = [
        *union.problems,
        *overtaken(union.routers, union.owners, places),
        *dangling(config, own, broken, places),
    ]
    return replace(config, problems=_once(problems))


def combine(*configs: RoutingConfig, allowed: AllowedHosts = EVERYTHING) -> RoutingConfig:
    """The configs of several providers as one; the first one's claim to a host counts.

    Give the files first: who may write them owns the machine, labels come with
    any image.  Names carry their provider, so they never clash.  While `allowed`
    has rules, a part of another's host goes only to whom they name for it.
    """
    claims = Claims()
    routers: dict[str, Router] = {}
    problems: list[Problem] = []
    left_out: list[Withheld] = []
    for config in configs:
        problems += config.problems
        left_out += config.withheld
        for router in config.routers.values():
            rival = claims.taken(router, own=config.routers) or _partly(router, config, claims, allowed)
            if rival:
                problems.append(refused(router, rival.host, f'router "{rival.router.name}"', FIRST_COME))
                left_out += withheld(router)
            else:
                claims.add(router)
                routers[router.name] = router
    whole = RoutingConfig(
        routers,
        services={name: service for config in configs for name, service in config.services.items()},
        middlewares={name: each for config in configs for name, each in config.middlewares.items()},
        transports={name: each for config in configs for name, each in config.transports.items()},
        tls_options={name: each for config in configs for name, each in config.tls_options.items()},
        broken=frozenset[str]().union(*(config.broken for config in configs)),
        withheld=tuple(left_out),
    )
    return replace(whole, problems=_once([*problems, *_dangling_across(whole)]))


def _partly(router: Router, config: RoutingConfig, claims: Claims, allowed: AllowedHosts) -> Rival | None:
    if not allowed.rules:
        return None
    others = (each for each in claims.overlapping(router) if each.router.name not in config.routers)
    return next((each for each in others if not allowed.names(each.host)), None)


def _lost(union: Admitted) -> set[str]:
    """The middlewares whose names lead nowhere because somebody else has them."""
    wanted = {name for router in union.routers.values() for name in router.middlewares}
    wanted |= {name for each in union.middlewares.values() for name in referred(each, MiddlewareName)}
    return {name for name in wanted if LOST in name}


def _dangling_across(whole: RoutingConfig) -> list[Problem]:
    """References from one provider to another; those within one were checked by `merge`."""
    found: list[Problem] = []
    for own in {provider_of(name) for name in whole.routers}:
        theirs = {name: router for name, router in whole.routers.items() if provider_of(name) == own}
        named = {provider_of(ref) for r in theirs.values() for ref in (r.service, *r.middlewares)}
        services = [each for name, each in whole.services.items() if provider_of(name) == own]
        named |= {provider_of(ref) for each in services for ref in elements_named(each)}
        found += dangling(replace(whole, routers=theirs), named - {own}, whole.broken)
    return sorted(found, key=str)


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, and none longer than people read: a label's name and value may have a megabyte."""
    return tuple(dict.fromkeys(map(_readable, problems)))


def _readable(problem: Problem) -> Problem:
    texts = (problem.where, problem.what, problem.consequence)
    if all(len(text) <= LONGEST_TEXT for text in texts):
        return problem
    where, what, consequence = (
        text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3]}..." for text in texts
    )
    return replace(problem, where=where, what=what, consequence=consequence)
