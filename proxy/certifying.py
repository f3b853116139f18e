"""Certifying: who certifies which host, by what the routers for it say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from proxy.frozen import frozen
from proxy.option import closest
from proxy.problem import Problem

if TYPE_CHECKING:
    from proxy.model import Router

AUTO = "auto"
"""As the name decides: the resolver of who names none."""
INTERNAL = "internal"
"""Tidegate's own authority."""

Wanting = Mapping[str, tuple["Router", Collection[str]]]
"""Routers by their names, each with the hosts that want a certificate for it."""


@frozen
class Resolvers:
    """Those that the installation has beside the two that are always there."""

    named: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[str]:
        yield from (AUTO, INTERNAL, *sorted(self.named))

    def meant(self, name: str) -> str | None:
        """The resolver of this name in any case; None where there is none."""
        word = name.lower()
        return word if word in (AUTO, INTERNAL) or word in self.named else None

    def unknown(self, name: str) -> str:
        """What is said of a name that no resolver has."""
        known = list(self)
        guess = closest(name, known)
        hint = f' Did you mean "{guess}"?' if guess else ""
        return f'There is no resolver "{name[:40]}".{hint} Known: {", ".join(known)}.'


def certified_by(wanting: Wanting, usual: str = AUTO) -> tuple[dict[str, str], list[Problem]]:
    """The resolver of each host that has another one than `auto`, and where routers do not agree.

    `usual` is for hosts of which no router says anything.  Of several, Tidegate's own
    authority counts first: it tells nobody of the name.  Otherwise the router counts
    that is asked first, as with everything else that routers say differently.
    """
    said: dict[str, list[Router]] = {}
    for router, hosts in wanting.values():
        if router.resolver:
            for host in hosts:
                said.setdefault(host, []).append(router)
    found = {}
    outdone: dict[tuple[str, str], tuple[Router, Router, list[str]]] = {}
    for host, routers in said.items():
        first = min(routers, key=_rank)
        found[host] = first.resolver
        for router in routers:
            if router.resolver != first.resolver:
                outdone.setdefault((router.name, first.name), (router, first, []))[2].append(host)
    if usual != AUTO:
        found |= {host: usual for _, hosts in wanting.values() for host in hosts if host not in said}
    decided = {host: resolver for host, resolver in found.items() if resolver != AUTO}
    return decided, list(_outdone(outdone.values()))


def _rank(router: Router) -> tuple[bool, int, str]:
    return router.resolver != INTERNAL, -(router.priority or len(router.rule)), router.name


def _outdone(pairs: Iterable[tuple[Router, Router, list[str]]]) -> Iterator[Problem]:
    for router, first, hosts in pairs:
        name, other = router.name.partition("@")[0], first.name.partition("@")[0]
        place = f"http.routers.{name}.tls.certresolver={router.resolver}"
        whose = f'router "{other}"' + (f" of {first.origin}" if first.origin != router.origin else "")
        yield Problem(
            f"{router.origin}: {place}" if router.origin else place,
            f'{_some(sorted(hosts))}: {whose} names "{first.resolver}", and a host has one certificate. '
            "Let both name the same one.",
            f'The resolver "{first.resolver}" is used.',
            "warning",
        )


def _some(hosts: list[str]) -> str:
    return ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")
