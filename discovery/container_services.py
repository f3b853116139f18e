"""Container services: a container as the server of the services that its labels name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from discovery.composites import MadeOfOthers, Reached, balanced, composite, transport_of
from discovery.container import Container
from discovery.declared import Reading, Scheme, Weight
from discovery.label_text import shown
from discovery.language import Language
from discovery.networks import Own, Unreachable, address_of, reach, several_shared
from discovery.not_yet import LABELS_ONLY, SERVICES, without_unserved
from discovery.ports import choose_port
from discovery.spoken import Spoken
from proxy.model import Server, Service
from proxy.problem import Problem, Severity
from proxy.reaching import Transport
from proxy.reference import files_named
from proxy.schema import Port, Tree, option, options, parse_options


@options
class ServerOptions:
    """How the app in the container is spoken to."""

    port: Port | None = option(
        doc="The port that the app listens on, where the image exposes none or several.",
        example="8080",
        default=None,
    )
    scheme: Scheme = option(
        doc="http, https for an app that speaks TLS itself, or h2c for one of HTTP/2 in the clear, as gRPC.",
        example="https",
        default=Scheme("http"),
    )
    weight: Weight = option(
        doc="Its share of the requests among the servers of the service; 0 is none.",
        example="2",
        default=Weight(1),
    )


@options
class LoadBalancer(Reached):
    """A service whose servers are the container and its replicas."""

    server: ServerOptions = option(doc="The container as a server.", example="", default=ServerOptions())
    pass_host_header: bool = option(
        doc="Whether the app sees the host name that the visitor typed.", example="false", default=True
    )


ITSELF = LoadBalancer()


@options
class ServiceOptions(MadeOfOthers):
    """A named group of servers that answer alike, or of services."""

    load_balancer: LoadBalancer = option(doc="Its servers.", example="", default=ITSELF)

    def __post_init__(self) -> None:
        if self.kinds + (self.load_balancer is not ITSELF) > 1:
            raise ValueError("A service is one of loadBalancer, weighted, failover, mirroring.")


@dataclass(slots=True)
class Draft:
    """The container and what has been found in its labels."""

    container: Container
    own: Own
    others: Mapping[str, Container]
    language: Language
    problems: list[Problem] = field(default_factory=list)

    def problem(self, where: str, what: str, consequence: str, severity: Severity = "error") -> None:
        self.problems.append(Problem(where, what, consequence, severity))


def read_services(
    declared: Mapping[str, Mapping[str, Tree]], spoken: Spoken, reading: Reading, draft: Draft
) -> Iterator[tuple[str, Service]]:
    """The services by qualified name; a router beside no service implies one, named after the app."""
    trees = declared["services"]
    implied = not trees
    if implied and not declared["routers"]:
        return
    address: str | None = None
    if draft.container.health == "unhealthy":
        where = f"{draft.container.name}: HEALTHCHECK"
        draft.problem(
            where, "The container's own check says that it is unhealthy.", "It gets no requests.", "warning"
        )
    for name, tree in (trees or {spoken.name: {}}).items():
        path = ("services", name)
        consequence = f'Service "{name}" has no server.'
        tree, refused = without_unserved({**SERVICES, **LABELS_ONLY}, path, tree, reading, consequence)
        asked, flaws = parse_options(ServiceOptions, tree)
        reading.flaws(ServiceOptions, path, flaws, consequence)
        if asked is not None and not refused and asked.kinds:
            made = composite(name, asked, reading)
            reading.places[made.name, "parts"] = reading.source.where(path)
            yield made.name, made
            continue
        if address is None:
            address = _address(spoken, draft)
        servers: tuple[Server, ...] = ()
        if asked is not None and not refused:
            server = asked.load_balancer.server
            port = choose_port(draft.container.exposed, server.port)
            label = spoken.port_label if implied else reading.source.where((*path, *SERVER, "port"))
            if isinstance(port, str) and spoken.lenient and draft.container.exposed:
                port = _lowest(label, reading, draft)
            if isinstance(port, str):
                _report_port(name, port, label, reading, draft)
            elif address and (what := _out_of_bounds(address, port, asked.load_balancer, draft)):
                told = _itself(draft) or f"Port {port} there is {what}. {LEADS_THERE}"
                reading.problems.append(Problem(_placed(label, draft), told, consequence))
            elif address and draft.container.running_and_ready:
                servers = (Server(draft.container.id, address, port, server.scheme, server.weight),)
        pass_host = asked is None or asked.load_balancer.pass_host_header
        qualified = reading.qualified(name)
        how = balanced(asked.load_balancer) if asked else None
        transport = transport_of(path, asked.load_balancer, reading) if asked else None
        if isinstance(transport, Transport) and any(files_named(transport)):
            option = "rootcas" if transport.root_cas else "certificates"
            reading.problem((*path, "loadbalancer", "transport", option), NO_FILES, consequence)
            servers = ()
        starting = draft.container.health == "starting"
        yield qualified, Service(qualified, servers, pass_host, how, starting, transport)


def _out_of_bounds(address: str, port: int, asked: LoadBalancer, draft: Draft) -> str:
    check = asked.health_check.port if asked.health_check else None
    found = (
        draft.language.bounds.server(address, each, draft.container, draft.own, draft.others)
        for each in dict.fromkeys((port, check or port))
    )
    return next(filter(None, found), "")


def _itself(draft: Draft) -> str:
    """What is said of labels of Tidegate's own container, which a port would send round in circles."""
    if draft.container.id != draft.own.container:
        return ""
    dashboard = draft.language.bounds.dashboard
    instead = f" For the dashboard, write tidegate.port={dashboard}" if dashboard else ""
    return f"This is Tidegate itself: labels for an app belong to the app's service.{instead}"


LEADS_THERE = "No label leads there, for labels come with images. A route file may (--routes)."
NO_FILES = "A label cannot name a file of this machine. Declare the transport in a route file (--routes)."
SERVER = ("loadbalancer", "server")


def _address(spoken: Spoken, draft: Draft) -> str:
    """The container's address, empty after saying why there is none."""
    container, wish = draft.container, draft.language.wish(draft.container.labels)
    found = reach(container, draft.own, wish, draft.others)
    label = shown(container.name, spoken.network_label, wish.wanted).rstrip("=")
    if isinstance(found, Unreachable):
        draft.problem(label, found.why, f'Container "{container.name}" gets no requests.')
        return ""
    if wish.soft and isinstance(missed := address_of(container, draft.own, wish, draft.others), Unreachable):
        draft.problem(label, missed.why, "Its requests go by another network.", "warning")
    if not wish.wanted:
        _note_choice(spoken, draft)
    return found


def _note_choice(spoken: Spoken, draft: Draft) -> None:
    networks = several_shared(draft.container, draft.own, draft.others)
    if networks and draft.language.network not in networks:
        label, used = spoken.network_label, networks[0]
        what = f"It shares {len(networks)} networks with Tidegate: {', '.join(networks)}."
        consequence = f"Its requests go by {used}, the first by name. To say which one: {label}={used}"
        draft.problem(f"{draft.container.name}: {label}", what, consequence, "notice")


def _lowest(label: str, reading: Reading, draft: Draft) -> int:
    """What Traefik does, for labels that were written for it."""
    ports = draft.container.exposed
    what = f"The image exposes {len(ports)} ports: {', '.join(map(str, ports))}."
    consequence = f"Its requests go to {ports[0]}, the lowest. To say which one: {_name(label)}={ports[0]}"
    reading.problems.append(Problem(_placed(label, draft), what, consequence, "notice"))
    return ports[0]


def _report_port(name: str, why: str, label: str, reading: Reading, draft: Draft) -> None:
    example = draft.container.exposed[0] if draft.container.exposed else 8080
    what = _itself(draft) or f"{why} Say which one: {_name(label)}={example}"
    reading.problems.append(Problem(_placed(label, draft), what, f'Service "{name}" has no server.'))


def _name(label: str) -> str:
    return label.rpartition(": ")[2].partition("=")[0]


def _placed(label: str, draft: Draft) -> str:
    return label if ": " in label else f"{draft.container.name}: {label}"
