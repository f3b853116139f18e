"""Routers: what a router declares, in labels and in files, and the Router that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from discovery.declared import Reading
from discovery.dialects.traefik_names import (
    means_lets_encrypt,
    unknown_resolver,
    usual_instead,
    usual_resolver,
)
from discovery.label_text import PROVIDER
from discovery.not_yet import ROUTERS, without_unserved
from discovery.tls_options import options_meant
from proxy.model import Router, Withheld
from proxy.rule import RuleError, parse_rule
from proxy.schema import Tree, canonical, closest, option, options, options_of, parse_options
from proxy.tls_options import TLSOptions


@options
class Domain:
    """One certificate's names, as Traefik's files have it."""

    main: str = option(
        doc="A name to have a certificate for, beside those of the rule. A wildcard serves for all names "
        "that it covers, and needs `--dns`.",
        example="*.example.com",
    )
    sans: tuple[str, ...] = option(
        doc="More names, each with a certificate of its own.", example="example.com", default=()
    )


@options
class RouterTLS:
    """Who certifies the router's names; Tidegate obtains certificates without being told."""

    cert_resolver: str | None = option(
        doc="Who certifies its names: `internal`, Tidegate's own authority; `auto`, as the name decides; or "
        "a resolver that the setting `resolver` defines.",
        example="internal",
        default=None,
    )
    domains: tuple[Domain, ...] = option(
        doc="Names to have certificates for beside those of the rule.",
        example="",
        default=(),
    )
    options: str | None = option(
        doc="What handshakes for its hosts take and ask for: a set of `tidegate.tls.options` of the same "
        "container, or one of a route file.",
        example="family@file",
        default=None,
    )


AUTOMATIC = RouterTLS()


@options
class RouterOptions:
    """Which requests go through which middlewares to which service."""

    rule: str = option(doc="Which requests the router takes.", example="Host(`blog.example.com`)")
    service: str | None = option(
        doc="Where they go; not needed where there is one service only.", example="blog", default=None
    )
    middlewares: tuple[str, ...] = option(
        doc="What they pass on the way, in this order.", example="lan-only, secure-headers", default=()
    )
    entrypoints: tuple[str, ...] = option(
        doc="The entrypoints it listens on; all default ones where it says nothing.",
        example="websecure",
        default=(),
    )
    priority: int | None = option(
        doc="The highest is asked first; the length of the rule where it says nothing.",
        example="100",
        default=None,
    )
    tls: RouterTLS | None = option(
        doc="`false` serves it in the clear; otherwise HTTPS is automatic.",
        example="false",
        default=AUTOMATIC,
    )
    defaults: bool = option(
        doc="Whether requests pass the installation's default middlewares and headers first.",
        example="false",
        default=True,
    )


_WORDS = frozenset(canonical(each.name) for each in options_of(RouterOptions).values())


def read_routers(
    trees: Mapping[str, Tree],
    services: Sequence[str],
    reading: Reading,
    own_options: Mapping[str, TLSOptions | None] | None = None,
) -> dict[str, Router]:
    """Routers by qualified name; `services` are the source's own, for those that name none."""
    found = {}
    for name, tree in trees.items():
        router = _read_router(name, tree, services, reading, own_options or {})
        if router is not None:
            found[router.name] = router
        elif _may_name_options(tree):
            reading.withheld.append(_withheld(name, tree, reading, own_options or {}))
    for name, tree in reading.strays:
        if _may_name_options(tree):
            said = _withheld(name, tree, reading, own_options or {})
            rule = said.rule or _text(trees.get(name), "rule")  # only some of its labels are misspelt
            reading.withheld.append(replace(said, rule=rule))
    return found


def _read_router(
    name: str,
    tree: Tree,
    services: Sequence[str],
    reading: Reading,
    own_options: Mapping[str, TLSOptions | None],
) -> Router | None:
    path = ("routers", name)
    consequence = f'Router "{name}" is not served; other routers are unaffected.'
    tree, refused = without_unserved(ROUTERS, path, tree, reading, consequence)
    asked, flaws = parse_options(RouterOptions, tree)
    reading.flaws(RouterOptions, path, flaws, consequence)
    if asked is None or refused:
        return None
    if asked.tls is None and _names_options(tree):
        reading.problem((*path, "tls", "options"), "Without TLS there are no options of it.", consequence)
        return None
    try:
        parse_rule(asked.rule)
    except RuleError as error:
        said = str(error) if reading.source.provider == PROVIDER else error.in_a_file
        reading.problem((*path, "rule"), said, consequence)
        return None
    service = asked.service or (services[0] if len(services) == 1 else None)
    if service is None:
        reading.problem((*path, "service"), _which(services), consequence)
        return None
    resolver = _resolver(path, asked.tls, reading)
    if resolver is None:
        return None
    for each in ("rule", "service", "middlewares"):
        reading.places[reading.qualified(name), each] = reading.source.where((*path, each))
    return Router(
        name=reading.qualified(name),
        rule=asked.rule,
        service=reading.qualified(service),
        entrypoints=asked.entrypoints,
        middlewares=tuple(map(reading.qualified, asked.middlewares)),
        priority=asked.priority or None,
        tls=None if asked.tls is AUTOMATIC else asked.tls is not None,
        origin=reading.source.origin,
        defaults=asked.defaults,
        resolver=resolver,
        domains=_domains(asked.tls),
        tls_options=options_meant(asked.tls.options, own_options, reading)
        if asked.tls and asked.tls.options
        else None,
    )


def _names_options(tree: Tree) -> bool:
    """Beside a `tls=false`, which takes away what stands below it."""
    for key, below in tree.items() if isinstance(tree, Mapping) else ():
        if canonical(str(key)) == "tls" and isinstance(below, Mapping):
            return any(canonical(str(each)) == "options" for each in below)
    return False


def _may_name_options(tree: Tree) -> bool:
    """Also where it is a misspelt word that may stand for `tls.options`, or both of them are misspelt."""
    for key, below in tree.items() if isinstance(tree, Mapping) else ():
        word = canonical(str(key))
        words = {canonical(str(each)) for each in below} if isinstance(below, Mapping) else set()
        if "options" in words or (word == "tls" and words - {"", "certresolver", "domains"}):
            return True
        if word not in _WORDS and (
            "options" in word
            or closest(word, ("tls", "tlsoptions", "options"))
            or any(closest(each, ("options",)) for each in words)
        ):
            return True
    return False


def _withheld(
    name: str, tree: Tree, reading: Reading, own_options: Mapping[str, TLSOptions | None]
) -> Withheld:
    """What it said of its hosts, as far as that can be read."""
    rule, options = _text(tree, "rule"), _text(tree, "tls", "options")
    meant = options_meant(options, own_options, reading) if options else None
    return Withheld(reading.qualified(name), rule, reading.source.origin, meant)


def _text(tree: Tree, *path: str) -> str:
    for step in path:
        below = tree.items() if isinstance(tree, Mapping) else ()
        tree = next((each for key, each in below if canonical(str(key)) == step), None)
    return tree.strip() if isinstance(tree, str) else ""


def _resolver(path: Sequence[str], tls: RouterTLS | None, reading: Reading) -> str | None:
    """The name of the resolver; "" where the router names none, None where there is none of its name."""
    named = (tls.cert_resolver if tls else None) or ""
    meant = reading.resolvers.meant(named) if named else ""
    if meant is not None:
        return meant
    place = (*path, "tls", options_of(RouterTLS)["cert_resolver"].name)
    if usual_resolver(named) or means_lets_encrypt(named):
        reading.problem(place, usual_instead(named), "", "notice")
        return ""
    consequence = f'Router "{path[-1]}" is not served; other routers are unaffected.'
    reading.problem(place, unknown_resolver(named, reading.resolvers), consequence)
    return None


def _domains(tls: RouterTLS | None) -> tuple[str, ...]:
    asked = tls.domains if tls else ()
    names = (name.strip().lower() for each in asked for name in (each.main, *each.sans))
    return tuple(dict.fromkeys(filter(None, names)))


def _which(services: Sequence[str]) -> str:
    if not services:
        return "The router names no service, and none is declared beside it."
    return f"There are {len(services)} services: {', '.join(services)}. Say which one: service={services[0]}"
