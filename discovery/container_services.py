"""Container services: a container as the server of the services that its labels name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from discovery.container import Container
from discovery.declared import Reading, Weight
from discovery.dialects.short import ShortLabels, element_name
from discovery.label_text import ROOT, joined, shown
from discovery.networks import Own, Unreachable, address_of, several_shared
from discovery.ports import choose_port
from proxy.model import Server, Service
from proxy.problem import Problem, Severity
from proxy.schema import Port, Tree, option, options, parse_options


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


@dataclass(slots=True)
class Draft:
    """The container and what has been found in its labels."""

    container: Container
    own: Own
    others: Mapping[str, Container]
    problems: list[Problem] = field(default_factory=list)

    def problem(self, where: str, what: str, consequence: str, severity: Severity = "error") -> None:
        self.problems.append(Problem(where, what, consequence, severity))


def read_services(
    declared: Mapping[str, Mapping[str, Tree]], short: ShortLabels, reading: Reading, draft: Draft
) -> Iterator[tuple[str, Service]]:
    """The services by qualified name; a router beside no service implies one, named after the app."""
    trees = declared["services"]
    implied = not trees
    if implied and not declared["routers"]:
        return
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


def _address(short: ShortLabels, draft: Draft) -> str:
    """The container's address, empty after saying why there is none."""
    container = draft.container
    match address_of(container, draft.own, short.network or "", draft.others):
        case str(address):
            if not short.network:
                _note_choice(draft)
            return address
        case Unreachable(why):
            label = shown(container.name, f"{ROOT}.network", short.network or "").rstrip("=")
            draft.problem(label, why, f'Container "{container.name}" gets no requests.')
    return ""


def _note_choice(draft: Draft) -> None:
    networks = several_shared(draft.container, draft.own, draft.others)
    if networks:
        label, used = f"{ROOT}.network", networks[0]
        what = f"It shares {len(networks)} networks with Tidegate: {', '.join(networks)}."
        consequence = f"Its requests go by {used}, the first by name. To say which one: {label}={used}"
        draft.problem(f"{draft.container.name}: {label}", what, consequence, "notice")


def _report_port(path: Sequence[str], why: str, implied: bool, reading: Reading, draft: Draft) -> None:
    example = draft.container.exposed[0] if draft.container.exposed else 8080
    label = joined((ROOT, "http", *path, "loadbalancer", "server", "port"))
    if implied:
        label = f"{ROOT}.port"
    where = f"{draft.container.name}: {label}"
    what = f"{why} Say which one: {label}={example}"
    reading.problems.append(Problem(where, what, f'Service "{path[1]}" has no server.'))
