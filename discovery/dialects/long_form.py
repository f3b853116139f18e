"""Long form: all long labels of a container, those it has and what its short ones stand for."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TypeAlias

from discovery.dialects.expansion import Site, expand, service_labels, speaks_of_router
from discovery.dialects.short import OF_ONE_SITE, ShortLabels, SiteLabels
from discovery.label_text import ROOT
from discovery.spoken import LongLabel, element_name, named, said
from proxy.schema import options_of

Options: TypeAlias = Mapping[str, Mapping[str, LongLabel]]
"""What long labels set of each router."""


TLS_OPTIONS = f"{ROOT}.tls.options."


def is_long(label: str) -> bool:
    return label.lower().startswith((f"{ROOT}.http.", TLS_OPTIONS))


def long_form(
    labels: Mapping[str, str], short: ShortLabels, sites: Mapping[str, SiteLabels], app: str
) -> tuple[LongLabel, ...]:
    """All long labels of a container: those it has, and what its short ones stand for.

    The short ones speak of the one router without a rule, else of the only one
    when they name no host, and of the one service that the long labels name;
    else of those named after the app.
    """
    written = tuple(LongLabel(label, value, label) for label, value in labels.items() if is_long(label))
    default = short.name or element_name(app)
    options = said(written)
    router = _router_meant(written, options, short, default)
    services = named(written, "services")
    service = services[0] if len(services) == 1 else default
    base = _site(short, router, service, ROOT, options)
    found = [base]
    for name, site in sites.items():
        own = site.name or f"{default}-{name}"
        shares = (site.port, site.scheme) == (short.port, short.scheme)
        found.append(_site(site, own, service if shares else own, f"{ROOT}.{name}", options, short))
    joined = {site.middlewares.name for site in found if site.middlewares}
    kept = [each for each in written if each.name not in joined]
    if not sites:
        return (*kept, *expand(base))
    whole = [site for site in found if site.short.host]
    expanded = [label for site in whole for label in expand(site)]
    if base not in whole:
        expanded = [*service_labels(base), *expanded]
    return (*kept, *_once([*expanded, *_service_of_each(whole, frozenset(services))]))


def _router_meant(written: tuple[LongLabel, ...], options: Options, short: ShortLabels, default: str) -> str:
    routers = named(written, "routers")
    waiting = [name for name in routers if "rule" not in options.get(name.lower(), {})]
    if len(waiting) == 1:
        return waiting[0]
    return routers[0] if len(routers) == 1 and not short.host and speaks_of_router(short) else default


def _site(
    short: SiteLabels,
    router: str,
    service: str,
    prefix: str,
    options: Options,
    base: SiteLabels | None = None,
) -> Site:
    there = options.get(router.lower(), {})
    ranked = there.keys().isdisjoint({"rule", "priority"})
    adds = any(
        (
            short.auth,
            short.allow,
            short.headers,
            short.strip,
            short.middlewares,
            short.maintenance,
            short.hsts,
        )
    )
    long = there.get("middlewares") if adds else None
    inherited = {
        word for word in options_of(SiteLabels) if base and getattr(base, word) == getattr(short, word)
    }
    return Site(short, router, service, prefix, ranked, long, frozenset(inherited - set(OF_ONE_SITE)))


def _service_of_each(sites: list[Site], declared: Container[str]) -> list[LongLabel]:
    """Where a container has several sites, each says which service it means, and each service is there."""
    found = []
    for site in sites:
        found.append(site.label(f"routers.{site.router}.service", site.service, "host"))
        if site.service not in declared and site.short.scheme is None:
            found.append(site.label(f"services.{site.service}.loadbalancer.server.scheme", "http", "host"))
    return found


def _once(labels: list[LongLabel]) -> list[LongLabel]:
    """Sites that share a service say the same of it."""
    return list({(each.name.lower(), each.value): each for each in reversed(labels)}.values())[::-1]
