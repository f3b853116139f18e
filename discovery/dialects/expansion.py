"""Expansion: the long labels that short ones stand for.

tidegate.host=blog.example.com   ->   tidegate.http.routers.blog.rule=Host(`blog.example.com`)
tidegate.port=8080               ->   tidegate.http.services.blog.loadbalancer.server.port=8080
tidegate.auth=anna:HASH          ->   tidegate.http.middlewares.blog-auth.basicauth.users=anna:HASH
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from discovery.dialects.short import SiteLabels
from discovery.dialects.short_values import Closing
from discovery.label_text import ROOT
from discovery.spoken import LongLabel
from proxy.frozen import frozen

HTTP = f"{ROOT}.http"


@frozen
class Site:
    """Short labels, and what they speak of: `prefix` stands before their words."""

    short: SiteLabels
    router: str
    service: str
    prefix: str = ROOT
    ranked: bool = True
    """Off where a long label ranks the router."""
    middlewares: LongLabel | None = None
    """The long label that names the router's middlewares."""
    inherited: frozenset[str] = frozenset()
    """Words that stand without the site's own before them."""

    def label(self, name: str, value: str, word: str) -> LongLabel:
        return LongLabel(f"{HTTP}.{name}", value, self.written(word))

    def written(self, word: str) -> str:
        return f"{ROOT if word.partition('.')[0] in self.inherited else self.prefix}.{word}"


def expand(site: Site) -> tuple[LongLabel, ...]:
    return (*_router(site), *service_labels(site), *_middlewares(site), *_redirect(site))


def speaks_of_router(short: SiteLabels) -> bool:
    """Whether something is said that has no meaning without a router."""
    return bool(
        short.host
        or short.auth
        or short.allow
        or short.headers
        or short.middlewares
        or short.entrypoints
        or short.hsts
    ) or any(
        each is not None
        for each in (short.tls, short.tls_options, short.priority, short.defaults, short.maintenance)
    )


def rule_for(short: SiteLabels) -> str:
    hosts = _any_of("Host", short.host)
    paths = " || ".join(map(_below, short.path))
    if not paths:
        return hosts
    return " && ".join(f"({part})" if " || " in part else part for part in (hosts, paths))


def _router(site: Site) -> Iterator[LongLabel]:
    short, element = site.short, f"routers.{site.router}"
    if short.host:
        yield site.label(f"{element}.rule", rule_for(short), "host")
    if short.priority is not None:
        yield site.label(f"{element}.priority", str(short.priority), "priority")
    elif site.ranked and len(short.host) > 1 and not short.path:
        yield site.label(f"{element}.priority", str(_rank(short.host)), "host")
    yield from _ways_in(site, site.router)


def _ways_in(site: Site, router: str) -> Iterator[LongLabel]:
    if site.short.entrypoints:
        yield site.label(f"routers.{router}.entrypoints", ",".join(site.short.entrypoints), "entrypoints")
    if site.short.tls == "off":
        yield site.label(f"routers.{router}.tls", "false", "tls")
    elif site.short.tls is not None:
        yield site.label(f"routers.{router}.tls.certresolver", site.short.tls, "tls")
    if site.short.tls_options is not None:
        yield site.label(f"routers.{router}.tls.options", site.short.tls_options, "tlsOptions")
    if site.short.defaults is not None:
        yield site.label(f"routers.{router}.defaults", "true" if site.short.defaults else "false", "defaults")


def service_labels(site: Site) -> Iterator[LongLabel]:
    balancer = f"services.{site.service}.loadbalancer"
    server = f"{balancer}.server"
    if site.short.port is not None:
        yield site.label(f"{server}.port", str(site.short.port), "port")
    if site.short.scheme is not None:
        yield site.label(f"{server}.scheme", site.short.scheme, "scheme")
    if site.short.weight is not None:
        yield site.label(f"{server}.weight", str(int(site.short.weight)), "weight")
    if site.short.sticky:
        yield site.label(f"{balancer}.sticky.cookie", "true", "sticky")
    if site.short.health is not None:
        yield site.label(f"{balancer}.healthcheck.path", site.short.health, "health")


def _middlewares(site: Site) -> Iterator[LongLabel]:
    """Who may not pass is turned away first; the path is cut last, so that the others see it whole."""
    short, declared, before, after = site.short, list[LongLabel](), list[str](), list[str]()
    if short.hsts:  # who is turned away hears it as well
        before.append(f"{site.router}-hsts")
        declared.append(site.label(f"middlewares.{before[0]}.headers.stsseconds", short.hsts, "hsts"))
    if short.maintenance is not None and short.maintenance != "false":
        before.append(f"{site.router}-maintenance")
        option, value = _closed(short.maintenance)
        declared.append(site.label(f"middlewares.{before[-1]}.maintenance{option}", value, "maintenance"))
    for word, of, values, names in (
        ("allow", "ipallowlist.sourcerange", _networks(short), before),
        ("auth", "basicauth.users", short.auth, before),
        ("strip", "stripprefix.prefixes", [path.rstrip("/") for path in short.path if short.strip], after),
    ):
        if values:
            names.append(f"{site.router}-{word}")
            declared.append(site.label(f"middlewares.{site.router}-{word}.{of}", ",".join(values), word))
    for name, value in short.headers.items():
        option = f"headers.customresponseheaders.{name}"
        declared.append(site.label(f"middlewares.{site.router}-headers.{option}", value, f"headers.{name}"))
    own = [f"{site.router}-headers"] if short.headers else []
    long = site.middlewares
    passed = [*before, *short.middlewares, *([long.value] if long else []), *own, *after]
    yield from declared
    if passed:
        written = long.written if long else site.written("middlewares") if short.middlewares else ""
        written = written or declared[0].written
        yield LongLabel(f"{HTTP}.routers.{site.router}.middlewares", ",".join(passed), written)


def _closed(how: Closing) -> tuple[str, str]:
    """The option of the middleware and its value."""
    if how == "true":
        return "", "true"
    networks = how.networks
    return (".sourcerange", ",".join(networks)) if networks else (".text", str(how))


def _networks(short: SiteLabels) -> tuple[str, ...]:
    return tuple(network for each in short.allow for network in each.networks)


def _redirect(site: Site) -> Iterator[LongLabel]:
    """A router of its own for the other names, whose one middleware sends everybody to the first host."""
    if not site.short.redirect:
        return
    name, first = f"{site.router}-redirect", site.short.host[0]
    element, regex = f"middlewares.{name}.redirectregex", "^(https?)://[^/:]+((?::[0-9]+)?/.*)$"
    for router, value in (
        ("rule", _any_of("Host", site.short.redirect)),
        ("service", site.service),
        ("middlewares", name),
    ):
        yield site.label(f"routers.{name}.{router}", value, "redirect")
    yield from _ways_in(site, name)
    for option, value in (
        ("regex", regex),
        ("replacement", f"${{1}}://{first}${{2}}"),
        ("permanent", "true"),
    ):
        yield site.label(f"{element}.{option}", value, "redirect")


def _below(path: str) -> str:
    """The path and what is below it: `/api` and `/api/users`, but not `/apix`."""
    return f"PathPrefix(`{path}`)" if path.endswith("/") else f"Path(`{path}`) || PathPrefix(`{path}/`)"


def _rank(hosts: Iterable[str]) -> int:
    """That of the shortest host alone: a rule is not the more special one for naming many hosts.

    By its length it would come before another container's rule for a path of one of them.
    """
    return min(len(_any_of("Host", (host,))) for host in hosts)


def _any_of(matcher: str, values: Iterable[str]) -> str:
    return " || ".join(f"{matcher}(`{value}`)" for value in values)
