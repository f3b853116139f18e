"""References: routers and middlewares name services and middlewares; here is checked that they exist."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from discovery.composites import parts_named
from discovery.kinds import instead_of_kind
from discovery.label_text import PROVIDER, ROOT
from proxy.model import RoutingConfig
from proxy.problem import Problem
from proxy.reference import MiddlewareName, ServiceName, referred
from proxy.schema import closest

LOST = "!"
"""Stands in a name that was declared but is not to be used; no label can spell it."""


MOST_LISTED = 6


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
        for option, wanted in (("service", (router.service,)), ("middlewares", router.middlewares)):
            known = _known(config, option)
            for name in _missing(wanted, known, providers, silent):
                written = (places or {}).get((router.name, option))
                where = (
                    written or f"{router.origin}: {place(router.name, option)}={_spelled(name, router.name)}"
                )
                consequence = f'Router "{plain(router.name)}" answers 503 until it exists.'
                yield _problem(where, router.name, option, name, known, consequence)
    for asking, service in config.services.items():
        for option, names in (
            ("service", parts_named(service.how)),
            ("transport", [service.transport] if isinstance(service.transport, str) else []),
        ):
            known = _known(config, option)
            for name in _missing(names, known, providers, silent):
                written = (places or {}).get((asking, "parts"))
                where = written or _section(place(asking, "loadbalancer"), "services")
                consequence = f'Routers that use service "{plain(asking)}" answer 503 until it exists.'
                yield _problem(where, asking, option, name, known, consequence)
    for asking, middleware in config.middlewares.items():
        for option, kind in (("service", ServiceName), ("middlewares", MiddlewareName)):
            known = _known(config, option)
            for name in _missing(referred(middleware, kind), known, providers, silent):
                at = f"{type(middleware).__name__.lower()}.{option}"
                where = _section(place(asking, at), "middlewares") + f"={_spelled(name, asking)}"
                consequence = f'Routers that use middleware "{plain(asking)}" answer 503 until it exists.'
                yield _problem(where, asking, option, name, known, consequence)


def _known(config: RoutingConfig, option: str) -> Mapping[str, object]:
    match option:
        case "service":
            return config.services
        case "transport":
            return config.transports
    return config.middlewares


def _missing(
    wanted: Iterable[str], known: Mapping[str, object], providers: Collection[str], silent: Collection[str]
) -> Iterator[str]:
    for name in wanted:
        if name not in known and name not in silent and _belongs(name, providers):
            yield name


def _belongs(name: str, providers: Collection[str]) -> bool:
    return LOST not in name and provider_of(name) in providers


def _problem(
    where: str, asking: str, option: str, name: str, known: Mapping[str, object], consequence: str
) -> Problem:
    native = where.partition(": ")[2].lower().startswith(f"{ROOT}.")
    kind = instead_of_kind(plain(name)) if option == "middlewares" and native else ""
    instead = kind or _instead(name, asking, known)
    what = f'There is no {option.removesuffix("s")} "{_spelled(name, asking)}". {instead}'
    return Problem(where, what, consequence)


def _instead(name: str, asking: str, known: Iterable[str]) -> str:
    """What could be meant; the plain names are compared, for all of a provider's end alike."""
    far_first = sorted(known, key=lambda each: (provider_of(each) == provider_of(name), each))
    by_plain = {plain(each): each for each in far_first}
    if guess := closest(plain(name), by_plain):
        return f'Did you mean "{_spelled(by_plain[guess], asking)}"?'
    spelled = sorted(_spelled(each, asking) for each in far_first)
    rest = f" and {len(spelled) - MOST_LISTED} more" if len(spelled) > MOST_LISTED else ""
    return f"Known: {', '.join(spelled[:MOST_LISTED])}{rest}." if spelled else "None is declared."


def _spelled(name: str, asking: str) -> str:
    """The name as its owner writes it beside his own elements."""
    return plain(name) if provider_of(name) == provider_of(asking) else name


def _section(where: str, section: str) -> str:
    return where.replace("routers", section, 1)


def place(router: str, option: str, dialect: str = ROOT) -> str:
    """How the provider's owner spells a router's option."""
    root = f"{dialect}." if provider_of(router) == PROVIDER else ""
    return f"{root}http.routers.{plain(router)}.{option}"
