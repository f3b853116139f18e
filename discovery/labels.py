"""Labels: one container's labels -> its routers, services, middlewares and problems.

A container is served only if its labels say so, and whatever is wrong in them
takes something away from that container alone, never from another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from discovery.container import Container
from discovery.declared import Reading, Weight, read_middlewares, read_routers, sections
from discovery.dialects.short import LongLabel, ShortLabels, element_name, expand
from discovery.fragment import Fragment
from discovery.networks import Own, Unreachable, address_of
from discovery.ports import choose_port
from discovery.references import plain
from discovery.tree import LabelNameError, grow, steps
from proxy.model import Server, Service
from proxy.problem import Problem, Severity
from proxy.schema import Port, Tree, option, options, parse_options
from proxy.values import FALSE

ROOT = "tidegate"
PROVIDER = "docker"

_TELLING = re.compile(r"authori[sz]ation|cookie|credential|key|passw|secret|token|user", re.IGNORECASE)


@options
class ServerOptions:
    """How the app in the container is spoken to."""

    port: Port | None = option(
        doc="The port that the app listens on, where the image exposes none or several.",
        example="8080",
        default=None,
    )
    scheme: Literal["http", "https"] = option(
        doc="http, or https for an app that speaks TLS itself.", example="https", default="http"
    )
    weight: Weight = option(
        doc="Its share of the requests among the replicas.", example="2", default=Weight(1)
    )


@options
class LoadBalancer:
    """A service whose servers are the container and its replicas."""

    server: ServerOptions = option(doc="The container as a server.", example="", default=ServerOptions())
    pass_host_header: bool = option(
        doc="Whether the app sees the host name that the visitor typed.", example="false", default=True
    )


@options
class ServiceOptions:
    """A named group of servers that answer alike."""

    load_balancer: LoadBalancer = option(doc="Its servers.", example="", default=LoadBalancer())


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels of one container, findable by the place in the tree that they speak of."""

    origin: str
    written: Mapping[tuple[str, ...], tuple[str, str]]
    provider: str = PROVIDER

    def where(self, path: Sequence[str], *, secret: bool = False) -> str:
        wanted = tuple(step.lower() for step in (ROOT, "http", *path))
        found = self.written.get(wanted) or next(
            (label for key, label in self.written.items() if key[: len(wanted)] == wanted), None
        )
        if found is None:
            return f"{self.origin}: {_joined((ROOT, 'http', *path))}"
        return shown(self.origin, *found, secret=secret)


@dataclass(slots=True)
class _Draft:
    """The container and what has been found in its labels."""

    container: Container
    own: Own
    others: Mapping[str, Container]
    problems: list[Problem] = field(default_factory=list)

    def problem(self, where: str, what: str, consequence: str, severity: Severity = "error") -> None:
        self.problems.append(Problem(where, what, consequence, severity))


def read_container(
    container: Container, own: Own, others: Mapping[str, Container] | None = None
) -> Fragment | None:
    """The container's share of the routing; None when its labels ask for nothing.

    `others` are the running containers by id, for `network_mode: container:x`.
    """
    mine = {label: value for label, value in container.labels.items() if _is_ours(label)}
    if not mine or not container.running:
        return None
    if any(label.lower() == f"{ROOT}.enable" and value.strip() in FALSE for label, value in mine.items()):
        return None
    draft = _Draft(container, own, others or {})
    refused = f'Container "{container.name}" is not served; other containers are unaffected.'
    _check_names(mine, draft, refused)
    short = None if draft.problems else _read_short(mine, draft, refused)
    fragment = Fragment(
        source=container.name,
        app=container.app,
        owner=container.id,
        project=container.project,
        created=container.created,
    )
    if container.one_off:
        draft.problem(container.name, "It is a one-off container of compose run.", refused, "notice")
    elif short is not None and not draft.problems:
        return _read_long(mine, short, fragment, draft)
    return replace(fragment, problems=tuple(draft.problems))


def long_form(labels: Mapping[str, str], short: ShortLabels, app: str) -> tuple[LongLabel, ...]:
    """All long labels of a container: those it has, and what its short ones stand for.

    The short ones speak of the one router without a rule and of the one service
    that the long labels name, else of those named after the app.
    """
    written = tuple(LongLabel(label, value, label) for label, value in labels.items() if _is_long(label))
    names = [(steps(label.name)[2:], label) for label in written]
    routers = _named(names, "routers")
    ruled = {path[1].lower() for path, _ in names if len(path) == 3 and path[2].lower() == "rule"}
    services = _named(names, "services")
    waiting = [name for name in routers if name.lower() not in ruled]
    default = element_name(app)
    router = waiting[0] if len(waiting) == 1 else default
    service = services[0] if len(services) == 1 else default
    return written + expand(short, router, service)


def shown(origin: str, label: str, value: str, *, secret: bool = False) -> str:
    """`container: label=value` for a message; what could be a secret is dots."""
    if secret or (_TELLING.search(label) and value):
        value = "***"
    text = f"{origin}: {label[:200]}={value if len(value) <= 200 else value[:197] + '...'}"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _is_ours(label: str) -> bool:
    return label.lower().startswith(f"{ROOT}.")


def _is_long(label: str) -> bool:
    return label.lower().startswith(f"{ROOT}.http.")


def _named(names: Sequence[tuple[tuple[str, ...], LongLabel]], section: str) -> list[str]:
    found = {path[1].lower(): path[1] for path, _ in names if len(path) > 1 and path[0].lower() == section}
    return list(found.values())


def _joined(path: Sequence[str]) -> str:
    return "".join(step if step.startswith("[") else f".{step}" for step in path)[1:]


def _check_names(mine: Mapping[str, str], draft: _Draft, consequence: str) -> None:
    """Report labels that do not follow the grammar, or that are there twice but for their case."""
    seen: dict[tuple[str, ...], str] = {}
    for label in sorted(mine):
        try:
            path = tuple(step.lower() for step in steps(label))
        except LabelNameError as error:
            draft.problem(shown(draft.container.name, label, mine[label]), str(error), consequence)
            continue
        if path in seen:
            where = shown(draft.container.name, label, mine[label])
            draft.problem(where, f"The same label is there as {seen[path][:200]}.", consequence)
        seen[path] = label


def _read_short(mine: Mapping[str, str], draft: _Draft, consequence: str) -> ShortLabels | None:
    tree: dict[str, Tree] = {label[len(ROOT) + 1 :]: v for label, v in mine.items() if not _is_long(label)}
    short, flaws = parse_options(ShortLabels, tree)
    for flaw in flaws:
        name = next((each for each in mine if each.lower() == f"{ROOT}.{flaw.path[0]}".lower()), "")
        where = shown(draft.container.name, name, mine.get(name, ""))
        draft.problem(where, flaw.what, consequence)
    if short is not None and short.path and not short.host:
        where = shown(draft.container.name, f"{ROOT}.path", ",".join(short.path))
        draft.problem(where, "Say which host, too: tidegate.host=blog.example.com", consequence)
    return short


def _read_long(mine: Mapping[str, str], short: ShortLabels, fragment: Fragment, draft: _Draft) -> Fragment:
    values, written = _lay_out(mine, short, draft)
    reading = Reading(_Labels(draft.container.name, written))
    root = grow(values)
    http = root.child("http") if root else None
    declared = sections(http.tree if http else None, reading)
    if not any(declared.values()):
        if not reading.problems:
            _report_nothing_asked(mine, draft)
        return replace(fragment, problems=(*draft.problems, *reading.problems))
    services = dict(_read_services(declared["services"], short, reading, draft))
    routers = read_routers(declared["routers"], [plain(name) for name in services], reading)
    middlewares = read_middlewares(declared["middlewares"], reading)
    return replace(
        fragment,
        routers=routers,
        services=services,
        middlewares=middlewares,
        broken=frozenset(reading.broken),
        places=reading.places,
        problems=(*draft.problems, *reading.problems),
    )


def _lay_out(
    mine: Mapping[str, str], short: ShortLabels, draft: _Draft
) -> tuple[dict[str, str], dict[tuple[str, ...], tuple[str, str]]]:
    """The long labels with their values, and how each was written, by its place in the tree."""
    values: dict[str, str] = {}
    written: dict[tuple[str, ...], tuple[str, str]] = {}
    spelled = {label.lower(): label for label in mine}
    for label in long_form(mine, short, draft.container.app):
        path = tuple(step.lower() for step in steps(label.name))
        as_written = spelled.get(label.written.lower(), label.written)
        if path in written:
            where = shown(draft.container.name, as_written, mine.get(as_written, ""))
            what = f"{written[path][0]} is there too, and it counts."
            draft.problem(where, what, "This label is ignored.", "warning")
            continue
        written[path] = (as_written, mine.get(as_written, label.value))
        values[f"{ROOT}.{label.name[len(ROOT) + 1 :]}"] = label.value
    return values, written


def _report_nothing_asked(mine: Mapping[str, str], draft: _Draft) -> None:
    first = min(mine)
    what = "Nothing says which requests are for it. Add tidegate.host=blog.example.com"
    consequence = f'Container "{draft.container.name}" is not served.'
    draft.problem(shown(draft.container.name, first, mine[first]), what, consequence)


def _read_services(
    trees: Mapping[str, Tree], short: ShortLabels, reading: Reading, draft: _Draft
) -> Iterator[tuple[str, Service]]:
    """The services by qualified name; without any label there is one, named after the app."""
    implied = not trees
    address = _address(short, draft)
    if draft.container.health == "unhealthy":
        where = f"{draft.container.name}: HEALTHCHECK"
        draft.problem(
            where, "The container's own check says that it is unhealthy.", "It gets no requests.", "warning"
        )
    for name, tree in (trees or {element_name(draft.container.app): {}}).items():
        path = ("services", name)
        consequence = f'Service "{name}" has no server.'
        asked, flaws = parse_options(ServiceOptions, tree)
        reading.flaws(ServiceOptions, path, flaws, consequence)
        servers: tuple[Server, ...] = ()
        if asked is not None:
            how = asked.load_balancer.server
            port = choose_port(draft.container.exposed, how.port)
            if isinstance(port, str):
                _report_port(path, port, implied, reading, draft)
            elif address and draft.container.running_and_ready:
                servers = (Server(draft.container.id, address, port, how.scheme, how.weight),)
        pass_host = asked is None or asked.load_balancer.pass_host_header
        qualified = reading.qualified(name)
        yield qualified, Service(qualified, servers, pass_host)


def _address(short: ShortLabels, draft: _Draft) -> str:
    """The container's address, empty after saying why there is none."""
    container = draft.container
    match address_of(container, draft.own, short.network or "", draft.others):
        case str(address):
            return address
        case Unreachable(why):
            label = shown(container.name, f"{ROOT}.network", short.network or "").rstrip("=")
            draft.problem(label, why, f'Container "{container.name}" gets no requests.')
    return ""


def _report_port(path: Sequence[str], why: str, implied: bool, reading: Reading, draft: _Draft) -> None:
    example = draft.container.exposed[0] if draft.container.exposed else 8080
    label = _joined((ROOT, "http", *path, "loadbalancer", "server", "port"))
    if implied:
        label = f"{ROOT}.port"
    where = f"{draft.container.name}: {label}"
    what = f"{why} Say which one: {label}={example}"
    reading.problems.append(Problem(where, what, f'Service "{path[1]}" has no server.'))
