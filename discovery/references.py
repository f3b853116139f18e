"""References: a router names a service and middlewares; here is checked that they exist."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from proxy.model import Router, RoutingConfig
from proxy.problem import Problem
from proxy.schema import closest

LOST = "!"
"""Stands in a name that was declared but is not to be used; no label can spell it."""


def provider_of(name: str) -> str:
    return name.partition("@")[2]


def plain(name: str) -> str:
    return name.partition("@")[0]


def lost(name: str, source: str) -> str:
    """A name that nothing has: a router that refers to it is broken and answers 503."""
    return f"{name}{LOST}{source}"


def dangling(
    config: RoutingConfig,
    providers: Collection[str],
    silent: Collection[str] = (),
    places: Mapping[tuple[str, str], str] | None = None,
) -> Iterator[Problem]:
    """A problem for each reference to these providers that leads nowhere.

    The router stays and answers 503: serving it without what it asked for
    could open what was meant to be closed.
    """
    for router in config.routers.values():
        kinds: tuple[tuple[str, Mapping[str, object], tuple[str, ...]], ...] = (
            ("service", config.services, (router.service,)),
            ("middlewares", config.middlewares, router.middlewares),
        )
        for option, known, wanted in kinds:
            for name in wanted:
                if name not in known and name not in silent and _belongs(name, providers):
                    yield _problem(router, option, name, known, (places or {}).get((router.name, option)))


def _belongs(name: str, providers: Collection[str]) -> bool:
    return LOST not in name and provider_of(name) in providers


def _problem(
    router: Router, option: str, name: str, known: Mapping[str, object], where: str | None
) -> Problem:
    own = provider_of(router.name)
    spelled = plain(name) if provider_of(name) == own else name
    guess = closest(name, known)
    what = f'There is no {option.removesuffix("s")} "{spelled}".'
    if guess:
        what += f' Did you mean "{plain(guess) if provider_of(guess) == own else guess}"?'
    return Problem(
        where=where or f"{router.origin}: {place(router.name, option)}={spelled}",
        what=what,
        consequence=f'Router "{plain(router.name)}" answers 503 until it exists.',
    )


def place(router: str, option: str) -> str:
    """How the provider's owner spells a router's option."""
    root = "tidegate." if provider_of(router) == "docker" else ""
    return f"{root}http.routers.{plain(router)}.{option}"
