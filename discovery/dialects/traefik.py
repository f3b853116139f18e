"""Traefik: labels written for Traefik v3, turned into the one grammar.

The tree below `http` is the same; what differs is what stands beside it, and
what an installation calls its entrypoints, resolvers and TLS options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from discovery.container import Container
from discovery.dialects import native
from discovery.dialects.traefik_names import entrypoint_meant, resolver_meant, tls_options_meant
from discovery.label_text import ROOT, TRAEFIK, shown
from discovery.language import Language, aside, labels_of
from discovery.spoken import LongLabel, Spoken
from discovery.template_functions import normalize
from discovery.tree import grow, steps
from proxy.problem import Problem, Severity
from proxy.schema import Tree, closest, option, options, parse_options
from proxy.values import FALSE

ELSEWHERE = "Other labels of the container are unaffected."
NOTHING = "It changes nothing."


@options
class DockerOptions:
    """How the container is reached."""

    network: str | None = option(doc="The network to reach it on.", example="proxy", default=None)
    lbswarm: bool = option(doc="Not served yet.", example="true", default=False)
    allownonrunning: bool = option(doc="Not served yet.", example="true", default=False)


@options
class TraefikOptions:
    """What stands beside the tree of routers, services and middlewares."""

    enable: bool | None = option(doc="Whether the container is served.", example="true", default=None)
    docker: DockerOptions = option(doc="How it is reached.", example="", default=DockerOptions())
    swarm: DockerOptions = option(doc="How it is reached.", example="", default=DockerOptions())


BESIDE = ("enable", "docker", "swarm")
VERSION_1 = ("backend", "frontend", "port", "protocol")


def closed(labels: Mapping[str, str]) -> bool:
    own = any(label.lower() == f"{TRAEFIK}.enable" and value in FALSE for label, value in labels.items())
    return own or native.closed(labels)


def speak(container: Container, language: Language, problems: list[Problem]) -> Spoken | None:
    """What the labels say; None after a mistake that leaves open what is meant."""
    reader = _Reader(container, language, problems)
    beside = reader.beside()
    if beside is None:
        return None
    reader.say_what_is_left_out()
    long = tuple(reader.long_labels())
    own = aside(container.labels, "network")
    elsewhere = any(reader.section("tcp")) or any(reader.section("udp"))
    return Spoken(
        name=normalize(container.app),
        labels=long,
        root=TRAEFIK,
        asks=beside.enable is True and not long and not elsewhere,
        implies=bool(long) or ((language.serve_all or beside.enable is True) and not elsewhere),
        network_label=own[0] if own else f"{TRAEFIK}.docker.network",
        port_label=f"{TRAEFIK}.http.services.{normalize(container.app)}.loadbalancer.server.port",
    )


@dataclass(slots=True)
class _Reader:
    container: Container
    language: Language
    problems: list[Problem]
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.labels = labels_of(TRAEFIK, self.container.labels)

    def say(self, label: str, what: str, consequence: str, severity: Severity = "error") -> None:
        where = shown(self.container.name, label, self.labels[label])
        self.problems.append(Problem(where, what, consequence, severity))

    def section(self, *names: str) -> list[str]:
        return [label for label in sorted(self.labels) if steps(label)[1].lower() in names]

    def beside(self) -> TraefikOptions | None:
        """`traefik.enable` and its siblings; a word close to them is one that is mistyped."""
        mistyped = [label for label in sorted(self.labels) if self.is_mistyped(steps(label)[1].lower())]
        chosen = {label: self.labels[label] for label in [*self.section(*BESIDE), *mistyped]}
        root = grow(chosen)
        tree: Tree = {child.name: child.tree for child in root.children} if root else {}
        read, flaws = parse_options(TraefikOptions, tree)
        for flaw in flaws:
            wanted = [TRAEFIK, *(step.lower() for step in flaw.path)]
            label = next(
                each for each in sorted(chosen) if [*map(str.lower, steps(each))][: len(wanted)] == wanted
            )
            what = 'Did you mean "http"?' if closest(flaw.path[0], (*BESIDE, "http")) == "http" else flaw.what
            self.say(label, what, f'Container "{self.container.name}" is not served.')
        return read

    def is_mistyped(self, word: str) -> bool:
        if word in (*BESIDE, *VERSION_1, "http", "tcp", "udp", "tls"):
            return False
        return closest(word, (*BESIDE, "http")) is not None

    def say_what_is_left_out(self) -> None:
        for section in ("tcp", "udp"):
            for label in self.section(section)[:1]:
                what = f"{section.upper()} routers are not served; Tidegate serves HTTP."
                self.say(label, what, ELSEWHERE)
        for label in self.section("tls")[:1]:
            what = "Tidegate chooses its certificates by the names in rules."
            self.say(label, what, NOTHING, "notice")
        for label in self.section(*VERSION_1)[:1]:
            what = (
                "This is the grammar of version 1. Write traefik.http.routers.NAME.rule=Host(`example.com`)"
            )
            self.say(label, what, NOTHING, "warning")
        for label in self.section("docker", "swarm"):
            word = steps(label)[-1].lower()
            if word in ("allownonrunning", "lbswarm") and self.labels[label] not in FALSE:
                self.say(label, f'"{word}" is not served yet.', NOTHING, "warning")

    def long_labels(self) -> Iterator[LongLabel]:
        dropped = self.of_traefik_itself()
        for label in sorted(self.labels):
            path = steps(label)
            if path[1].lower() != "http" or len(path) < 3 or tuple(map(str.lower, path[2:4])) in dropped:
                continue
            if path[2].lower() == "serverstransports":
                what = "Transports are not declared by labels, in Traefik neither."
                self.say(label, what, NOTHING, "notice")
                continue
            value = self.meant(tuple(step.lower() for step in path[2:]), label)
            yield LongLabel(f"{ROOT}.http{label[len(TRAEFIK) + 5 :]}", value, label)

    def of_traefik_itself(self) -> set[tuple[str, ...]]:
        """The routers that lead to Traefik's own services, such as its dashboard."""
        found: set[tuple[str, ...]] = set()
        for label in self.section("http"):
            path = tuple(step.lower() for step in steps(label)[2:])
            if (
                path[:1] == ("routers",)
                and path[2:] == ("service",)
                and self.labels[label].endswith("@internal")
            ):
                what = "This is a service of Traefik itself. Tidegate has a dashboard of its own: --dashboard"
                self.say(label, what, f'Router "{path[1]}" is not served; other routers are unaffected.')
                found.add(path[:2])
        return found

    def meant(self, path: tuple[str, ...], label: str) -> str:
        """The label's value with the names of this installation in it."""
        value = self.labels[label]
        if path[0] != "routers":
            return value
        match path[2:]:
            case ("entrypoints",):
                names = [each.strip() for each in value.split(",") if each.strip()]
                return ",".join(
                    dict.fromkeys(self.one_meant(label, each, entrypoint_meant) for each in names)
                )
            case ("tls", "certresolver"):
                return self.one_meant(label, value, resolver_meant)
            case ("tls", "options"):
                return self.one_meant(label, value, tls_options_meant)
        return value

    def one_meant(self, label: str, name: str, meant: Callable[[str, Language], tuple[str, bool]]) -> str:
        found, guessed = meant(name, self.language)
        if guessed:
            what = f'"{name}" is taken to be "{found}". To say it yourself: --traefik-names {name}={found}'
            self.say(label, what, "", "notice")
        return found
