"""Defaults: what the installation's settings say of every router, or of those on one entrypoint.

    default-middlewares: [secure@file, admin=lan@file]
    default-headers: ["X-Robots-Tag: none"]
    default-tls: internal

Middlewares travel with the entrypoints, so a router takes those of each place
where it is served; headers are a middleware of our own making among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.model import Entrypoint, Router, RoutingConfig
from proxy.problem import Problem
from proxy.schema import Unfit, parse_options

if TYPE_CHECKING:
    from proxy.exchange import Middleware
    from tidegate.addresses import NamedAddress
    from tidegate.settings import Settings

EVERYWHERE = ""
"""Stands for all entrypoints where a default names none."""
SETTINGS = "settings"
"""The provider of what the settings declare."""
FILE = "file"
"""Whose middlewares are meant where a name does not say: who writes settings writes files, too.

A middleware of a label is named with @docker: any image could bring one of that name.
"""
_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class DefaultMiddleware(str):
    """[ENTRYPOINT=]NAME[@PROVIDER]."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> DefaultMiddleware:
        entrypoint, name = divided(text)
        if not re.fullmatch(r"[^\s@,=]+(@[a-z]+)?", name) or re.search(r"\s", entrypoint):
            raise Unfit("NAME, NAME@docker or ENTRYPOINT=NAME", text)
        qualified = name if "@" in name else f"{name}@{FILE}"
        return cls(f"{entrypoint}={qualified}" if entrypoint else qualified)


class DefaultHeader(str):
    """[ENTRYPOINT=]NAME: VALUE."""

    __slots__ = ()
    holds_commas = True

    @classmethod
    def parse(cls, text: str) -> DefaultHeader:
        front, colon, value = text.partition(":")
        entrypoint, name = divided(front)
        if not colon or not _FIELD.fullmatch(name) or re.search(r"\s", entrypoint):
            raise Unfit("NAME: VALUE or ENTRYPOINT=NAME: VALUE", text)
        if not value.strip().isprintable():
            raise Unfit("a value on one line", text)
        return cls(f"{entrypoint}={name}: {value.strip()}" if entrypoint else f"{name}: {value.strip()}")


def divided(text: str) -> tuple[str, str]:
    """The entrypoint, or EVERYWHERE, and what is said of it."""
    entrypoint, sign, rest = text.partition("=")
    return (entrypoint.strip(), rest.strip()) if sign else (EVERYWHERE, text.strip())


def entrypoints_of(settings: Settings) -> tuple[Entrypoint, ...]:
    """The entrypoints as routing sees them, before anything listens."""
    return tuple(entrypoint_of(each, settings, each.address.port) for each in settings.entrypoints)


def entrypoint_of(entry: NamedAddress, settings: Settings, port: int) -> Entrypoint:
    """The entrypoint as routing sees it, with what the installation says of its routers."""
    first = middlewares_on(entry.name, settings.default_middlewares, settings.default_headers)
    default, usual = entry.name in settings.default_entrypoints, entry.name in ("web", "websecure")
    return Entrypoint(entry.name, entry.tls, default, port, first, usual)


def middlewares_on(
    entrypoint: str, middlewares: Sequence[DefaultMiddleware], headers: Sequence[DefaultHeader]
) -> tuple[str, ...]:
    """The names of the defaults there; those for everywhere come first, headers before all others."""
    places = (EVERYWHERE, entrypoint)
    dressed = {divided(each.partition(":")[0])[0] for each in headers}
    names = [headers_name(place) for place in places if place in dressed]
    names += [name for place in places for each, name in map(divided, middlewares) if each == place]
    return tuple(dict.fromkeys(names))


def headers_name(place: str) -> str:
    return f"headers-{place}@{SETTINGS}" if place else f"headers@{SETTINGS}"


def declared(headers: Sequence[DefaultHeader]) -> RoutingConfig:
    """The middlewares that the settings themselves declare."""
    fields: dict[str, dict[str, str]] = {}
    for each in headers:
        front, _, value = each.partition(":")
        place, name = divided(front)
        fields.setdefault(headers_name(place), {})[name] = value.strip()
    made: Mapping[str, Middleware] = {name: _headers(values) for name, values in fields.items()}
    return RoutingConfig(middlewares=made)


def _headers(values: Mapping[str, str]) -> Middleware:
    from proxy.middlewares.headers import Headers  # only who has some pays for it

    made, flaws = parse_options(Headers, {"customResponseHeaders": dict(values)})
    if made is None:
        raise ValueError(flaws[0].what)
    return made


def certified(config: RoutingConfig, tls: str) -> RoutingConfig:
    """The config with `tls` said of every router that says nothing of it: auto, internal or off."""
    if tls != "off":
        return replace(config, resolver=tls)
    return replace(config, routers={name: _in_the_clear(each) for name, each in config.routers.items()})


def _in_the_clear(router: Router) -> Router:
    if router.tls is not None or router.resolver:
        return router
    return replace(router, tls=False)


def strangers(
    entrypoints: Sequence[str], settings: Mapping[str, Sequence[str]], instead: str
) -> Iterator[Problem]:
    """A problem for each entrypoint that a default names and nobody has."""
    for setting, values in settings.items():
        for value in values:
            name = divided(value.partition(":")[0])[0] if setting != "default_entrypoints" else value
            if name and name not in entrypoints:
                yield Problem(f"{setting}={value}", f'There is no entrypoint "{name}". {instead}')
