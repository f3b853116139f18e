"""Wording: the native labels that say what a container's labels of another proxy say.

Short where that means the same, else long.  Both are read again and compared
with what was there, so that a translation is right or is said not to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from discovery.container import Container
from discovery.dialects import dialect_called
from discovery.fragment import Fragment
from discovery.label_text import CADDY, NGINX_PROXY, ROOT, TRAEFIK
from discovery.labels import expanded, read_container
from discovery.language import INGRESS, Language
from discovery.networks import Own
from discovery.references import plain
from discovery.spoken import LongLabel, element_name, named
from discovery.template_functions import normalize
from discovery.tree import steps
from proxy.frozen import frozen
from proxy.model import Entrypoint, Router
from proxy.problem import Problem
from proxy.reference import MiddlewareName, ServiceName, renamed

HTTP = f"{ROOT}.http"
LEFT = ("tcp", "udp", "tls")
"""Sections of Traefik's labels that nothing here stands for; they stay where they are."""
IMPLIED = "(implied)"
_HOST = re.compile(r"Host\(`([^`]+)`\)")
_HOSTS = re.compile(r"Host\(`[^`]+`\)(?:\s*\|\|\s*Host\(`[^`]+`\))*")
_SHORT = {
    "entrypoints": "entrypoints",
    "middlewares": "middlewares",
    "priority": "priority",
}


@frozen
class Word:
    """A native label, and the label or variable that it takes the place of."""

    name: str
    value: str
    instead_of: str


@frozen
class Wording:
    """`gone` are labels and variables whose meaning is in the words, or that mean nothing here."""

    words: tuple[Word, ...] = ()
    gone: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    exact: bool = True


def word(
    container: Container, dialect: str, language: Language, entrypoints: Iterable[Entrypoint]
) -> Wording:
    """`container` has no project: its name is the service's, and elements are called after that."""
    secure = frozenset(each.name for each in entrypoints if each.tls)
    own = Own(frozenset(container.networks))
    other = replace(language, dialects=(dialect,))
    native = replace(language, dialects=(ROOT,))
    wanted = read_container(container, own, language=other)
    problems: list[Problem] = list(wanted.problems) if wanted else []
    spoken = dialect_called(dialect).speak(container, other, [])
    refused = spoken is None or (dialect != TRAEFIK and any(each.severity == "error" for each in problems))
    if spoken is None or refused:
        return Wording(problems=tuple(problems), exact=False)
    mine = _mine(container, dialect)
    aside = tuple(_aside(container, dialect))
    long = tuple(_once(spoken.labels))
    if dialect == CADDY:  # a site is known by its address, not by where its requests go
        long = tuple(map(_at_its_address, long))
    tries = [(*_short(container, long), *aside), (*_long(long, secure), *aside)]
    goal = canonical(wanted, container, other, secure)
    for words in tries:
        labels = {each.name: each.value for each in words}
        again = replace(container, labels={**_others(container, mine), **labels}, environment={})
        same = canonical(read_container(again, own, language=native), again, native, secure) == goal
        if same and (labels or not long):
            return Wording(words, mine, tuple(problems))
    return Wording(tries[-1], mine, tuple(problems), exact=False)


def _mine(container: Container, dialect: str) -> frozenset[str]:
    """The labels and variables that the words take the place of."""
    if dialect == NGINX_PROXY:
        return frozenset(container.environment)
    if dialect == CADDY:
        return frozenset(label for label in container.labels if re.match(r"caddy([_.]|$)", label))
    return frozenset(
        label
        for label in container.labels
        if label.lower().startswith(f"{TRAEFIK}.") and steps(label)[1].lower() not in LEFT
    )


def _others(container: Container, mine: frozenset[str]) -> Mapping[str, str]:
    return {label: value for label, value in container.labels.items() if label not in mine}


def _aside(container: Container, dialect: str) -> Iterator[Word]:
    """Whether and by which network it is served."""
    for label, value in container.labels.items():
        if label.lower() == f"{TRAEFIK}.enable" and dialect == TRAEFIK:
            only = not any(each.lower().startswith(f"{TRAEFIK}.http") for each in container.labels)
            if dialect_called(dialect).closed(container.labels) or only:
                yield Word(f"{ROOT}.enable", value, label)
        elif label.lower() in (f"{TRAEFIK}.docker.network", f"{TRAEFIK}.swarm.network") or label == INGRESS:
            yield Word(f"{ROOT}.network", value, label)


def _at_its_address(label: LongLabel) -> LongLabel:
    rule = label.path[2:] == ("rule",)
    return replace(label, written=label.written.partition(".")[0]) if rule else label


def _once(labels: Iterable[LongLabel]) -> Iterator[LongLabel]:
    yield from list({label.name.lower(): label for label in reversed(list(labels))}.values())[::-1]


def _long(long: Iterable[LongLabel], secure: frozenset[str]) -> Iterator[Word]:
    """Every long label, but for those that say what is done anyway."""
    labels = list(long)
    entrypoints = {
        each.path[1].lower(): each.value.split(",") for each in labels if each.path[2:] == ("entrypoints",)
    }
    for label in labels:
        path = tuple(step.lower() for step in label.path)
        if path[0] == "routers" and path[2] == "tls" and label.value.lower() != "false":
            named_here = entrypoints.get(path[1])
            if not named_here or secure & set(named_here):
                continue
        yield Word(label.name, label.value, label.written)


def _short(container: Container, long: tuple[LongLabel, ...]) -> Iterator[Word]:
    """The short labels of the one router and the one service; nothing where there are several."""
    routers, services = named(long, "routers"), named(long, "services")
    rules = [label for label in long if label.path[2:] == ("rule",)]
    if len(routers) != 1 or len(services) > 1 or len(rules) != 1 or not _HOSTS.fullmatch(rules[0].value):
        return
    yield Word(f"{ROOT}.host", ", ".join(_HOST.findall(rules[0].value)), rules[0].written)
    name = (services or routers)[0]
    if name != element_name(container.app) or routers[0] != name:
        yield Word(f"{ROOT}.name", routers[0], rules[0].written)
    for label in long:
        path = tuple(step.lower() for step in label.path)
        match path:
            case ("routers", _, "rule" | "service"):
                continue
            case ("routers", _, "tls", *_):
                if len(path) == 3 and label.value.lower() == "false":
                    yield Word(f"{ROOT}.tls", "off", label.written)
            case ("routers", _, option) if option in _SHORT:
                value = ", ".join(each.strip() for each in label.value.split(","))
                yield Word(f"{ROOT}.{_SHORT[option]}", value, label.written)
            case ("services", _, "loadbalancer", "server", "port"):
                yield Word(f"{ROOT}.port", label.value, label.written)
            case ("services", _, "loadbalancer", "server", "scheme"):
                if label.value.lower() != "http":
                    yield Word(f"{ROOT}.scheme", label.value, label.written)
            case _:
                yield Word(label.name, label.value, label.written)


def canonical(
    fragment: Fragment | None, container: Container, language: Language, secure: frozenset[str]
) -> Fragment | None:
    """What of a fragment is routing, without names that nobody wrote.

    A service that no label names is called after the app, which each dialect
    spells in its own way.  `tls` True says nothing new to a router that is on
    a TLS entrypoint.
    """
    if fragment is None or not (fragment.routers or fragment.services or fragment.middlewares):
        return None
    declared = {name.lower() for name in named(_as_long(container, language), "services")}
    own = (element_name(container.app), normalize(container.app))
    written = declared - {name.lower() for name in own}
    services = {name: name if plain(name).lower() in written else IMPLIED for name in fragment.services}

    def service(name: str) -> str:
        return services.get(name, name)

    return Fragment(
        source="",
        app="",
        routers={
            name: _router(each, service(each.service), secure) for name, each in fragment.routers.items()
        },
        services={
            service(name): replace(each, name=service(name)) for name, each in fragment.services.items()
        },
        middlewares={
            name: renamed(renamed(each, ServiceName, service), MiddlewareName, str)
            for name, each in fragment.middlewares.items()
        },
        broken=fragment.broken,
    )


def _as_long(container: Container, language: Language) -> tuple[LongLabel, ...]:
    return tuple(LongLabel(name, value, name) for name, value in expanded(container, language))


def _router(router: Router, service: str, secure: frozenset[str]) -> Router:
    on_tls = not router.entrypoints or bool(secure & set(router.entrypoints))
    tls = None if router.tls and on_tls else router.tls
    resolver = router.resolver.removeprefix("auto")  # what the name decides where nobody says anything
    return replace(router, service=service, tls=tls, resolver=resolver, origin="")
