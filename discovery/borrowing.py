"""Borrowing: a router that would show another project's app, past whatever guards that on its own host.

Only where the installation says who may claim which hosts; without that all
containers trust each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from discovery.admission import Admitted
from discovery.composites import with_parts
from discovery.fragment import Fragment
from discovery.references import lost, place, plain, provider_of
from proxy.problem import Problem
from proxy.reference import ServiceName, renamed


def without_borrowed(union: Admitted) -> None:
    """Let services of strangers be found by nobody who names them; what does so answers 503."""
    for (kind, name), owner in list(union.owners.items()):
        if not owner.allowed.rules or owner.allowed.trusts(owner.claimant):
            continue
        own = _own(union, owner, kind, name)
        match kind:
            case "router" if name in union.routers:
                router = union.routers[name]
                union.routers[name] = replace(router, service=own(router.service))
            case "service" if name in union.services:
                union.services[name] = with_parts(union.services[name], own)
            case "middleware" if name in union.middlewares:
                union.middlewares[name] = renamed(union.middlewares[name], ServiceName, own)


def _own(union: Admitted, owner: Fragment, kind: str, asking: str) -> Callable[[str], str]:
    """The service's name, or one that leads nowhere if it is a stranger's."""

    def own(service: str) -> str:
        keeper = union.owners.get(("service", service))
        elsewhere = provider_of(service) != provider_of(asking)
        if keeper is None and not elsewhere:
            return service  # there is none, which is said as ever
        if keeper is owner or (keeper and owner.project and keeper.project == owner.project):
            return service
        union.problems.append(_told(owner, kind, asking, service, keeper))
        return lost(service, owner.source)

    return own


def _told(owner: Fragment, kind: str, asking: str, service: str, keeper: Fragment | None) -> Problem:
    where = owner.places.get((asking, "service" if kind == "router" else "parts"))
    where = where or f"{owner.source}: {place(asking, 'service').replace('routers', f'{kind}s', 1)}"
    whose = keeper.source if keeper else "a route file"
    what = (
        f'The service "{plain(service)}" belongs to {whose}. While --allow-hosts is set, a project shows '
        f"its own apps only. To allow it, add {owner.claimant.spelled}=* to the setting."
    )
    return Problem(where, what, f'The {kind} "{plain(asking)}" answers 503.')
