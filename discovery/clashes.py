"""Clashes: what is said when two sources want the same name or the same host."""

from __future__ import annotations

from discovery.allowed_hosts import ANY, Claimant
from discovery.fragment import Fragment
from discovery.label_text import PROVIDER
from discovery.references import place, plain, provider_of
from proxy.model import Router
from proxy.problem import Problem, Severity


def taken(kind: str, name: str, fragment: Fragment, keeper: Fragment, consequence: str) -> Problem:
    section = "middlewares" if kind == "middleware" else f"{kind}s"
    named = place(name, "", fragment.root).replace("routers", section, 1).rstrip(".")
    where = f"{fragment.source}: {named}"
    what = f'The {kind} name "{plain(name)}" is already used by {keeper.source}. Choose another name.'
    return Problem(where, what, consequence)


def refused(router: Router, host: str, rival: str, why: str, where: str | None = None) -> Problem:
    """A host that somebody else has; `why` says by which right, and what ends it."""
    path = "a tidegate.path" if provider_of(router.name) == PROVIDER else "a path in its rule"
    what = f'The host "{host}" already belongs to {rival}. Give one of them another host or {path}.'
    consequence = f'Router "{plain(router.name)}" is not served: {why}'
    return about(router, what, consequence, "warning", where)


def keeps(router: Router, fragment: Fragment, keeper: str) -> str:
    """Why the other one of a provider keeps a host, and who need not ask."""
    if provider_of(router.name) != PROVIDER:
        return f"{keeper} comes first by its name and keeps the host."
    return (
        f"{keeper} {fragment.comes_first} and keeps the host, {fragment.source} gets it when {keeper} goes. "
        "Replicas of one compose service share a host by themselves."
    )


def about(router: Router, what: str, consequence: str, severity: Severity, where: str | None) -> Problem:
    where = where or f"{router.origin}: {place(router.name, 'rule')}={router.rule}"
    return Problem(where, what, consequence, severity)


def differs(fragment: Fragment, first: Fragment) -> Problem:
    return Problem(
        where=fragment.source,
        what=f"Its labels differ from those of {first.source}, which is the same service "
        f"and {first.comes_first.removeprefix('is ')}.",
        consequence=f"It gets no requests while {first.source} runs.",
        severity="warning",
    )


def not_allowed(router: Router, host: str, why: str, claimant: Claimant, where: str | None) -> Problem:
    """A host that the installation does not let the container claim."""
    asked = "rules that match any host" if host == ANY else f'the host "{host}"'
    add = f"{claimant.spelled}={host}"
    what = f"{claimant} may not claim {asked}: {why} To allow it, add {add} to the setting."
    consequence = f'Router "{plain(router.name)}" is not served; other routers are unaffected.'
    return about(router, what, consequence, "error", where)


def kept_whole(router: Router, host: str, keeper: Fragment, fragment: Fragment) -> Problem:
    """A host that another project claimed first, while --allow-hosts says that hosts are not shared."""
    who, other = fragment.claimant.spelled, keeper.claimant.spelled
    what = (
        f'The host "{host}" already belongs to {keeper.source}. While --allow-hosts is set, '
        f"two projects share a host only if it names that for both: {who}={host}; {other}={host}"
    )
    consequence = f'Router "{plain(router.name)}" is not served: {keeper.source} {keeper.comes_first}.'
    where = fragment.places.get((router.name, "rule"))
    return about(router, what, consequence, "warning", where)
