"""Judging: compose files and route files, read by the readers that serve.

Every service becomes the container that compose would make of it; from there
on nothing knows that it is only imagined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from acme_client.names import NEEDS_DNS, read_name
from discovery.container import Container
from discovery.dialects.doubtful import torn_hosts
from discovery.fragment import Fragment
from discovery.labels import read_container
from discovery.language import Language
from discovery.merge import combine, merge
from discovery.networks import Own
from discovery.references import provider_of
from discovery.route_file import PROVIDER, read_text
from discovery.yaml_tree import BrokenFileError
from proxy.model import Entrypoint, Router, RoutingConfig
from proxy.problem import Problem, Severity
from proxy.reference import MiddlewareName, ServiceName, referred
from proxy.securing import DEFAULT_OF_FILES
from proxy.table import RoutingTable, compile_table
from proxy.tls_options import USUAL as USUAL_TLS
from proxy.tls_options import TLSOptions
from tidegate.checking.compose_only import compose_only, ports_mixed_up, ways_past
from tidegate.checking.finding import Checked, Finding
from tidegate.checking.locating import Locator, Written, words
from tidegate.checking.reading import Files, read
from tidegate.checking.sites import Owners, sites
from tidegate.checking.unread import unread
from tidegate.composefile.imagined import Imagined, all_imagined, proxy_of, standing
from tidegate.composefile.nodes import Node, Place

ANY_PORT = 80
"""Stands for the one that the image exposes, where no file says so."""
UNKNOWN_PORT = "Which port the image exposes is not to be seen here."


def check(
    paths: Sequence[Path],
    environ: Mapping[str, str],
    language: Language,
    entrypoints: Sequence[Entrypoint],
    defaults: RoutingConfig | None = None,
) -> Checked:
    """What is wrong in the files, which are read first: `read` says what it raises."""
    return judge(read(paths, environ), language, entrypoints, defaults)


def judge(
    files: Files,
    language: Language,
    entrypoints: Sequence[Entrypoint],
    defaults: RoutingConfig | None = None,
    written: Mapping[str, Written] | None = None,
) -> Checked:
    """What is wrong in files that were read.

    `defaults` are the middlewares that the settings declare for all routers; `written` says where
    settings stand.
    """
    every = all_imagined(files.projects)
    locator = Locator(every, {name: root for name, (_, root) in files.routes.items()}, written or {})
    checked = files.checked
    checked.could_serve = bool(files.projects or files.routes)
    judging = _Judge(every, locator, language, entrypoints, defaults or RoutingConfig(), checked)
    fragments = list(judging.route_fragments(files.routes))
    problems: dict[Problem, None] = {}
    for chosen in _by_profile(every):
        for problem in judging.problems(fragments, chosen, bool(files.routes)):
            problems.setdefault(problem)
    judging.note_ports()
    of_compose = [finding for each in every for finding in compose_only(each)]
    checked.findings += of_compose
    said = {finding.place for finding in of_compose}
    for problem in problems:
        if locator.spot(problem.where).place not in said:  # one mistake makes one message
            checked.findings.append(locator.finding(problem))
    checked.findings += unread(every, checked.served, language.dialects)
    checked.findings = sorted(set(checked.findings), key=lambda finding: finding.rank)
    return checked


def _by_profile(every: list[Imagined]) -> Iterator[list[Imagined]]:
    """Those that run together: without a profile, and with each."""
    profiles = sorted({name for each in every for name in each.service.profiles})
    for profile in ("", *profiles):
        yield [each for each in every if not each.service.profiles or profile in each.service.profiles]


@dataclass(slots=True)
class _Judge:
    every: list[Imagined]
    locator: Locator
    language: Language
    entrypoints: Sequence[Entrypoint]
    defaults: RoutingConfig
    checked: Checked
    unsure: dict[str, tuple[Place, str, str]] = field(default_factory=dict)
    """Containers of which no file tells the port: where and what wants it, the label that would say it."""

    def route_fragments(self, routes: Mapping[str, tuple[str, Node | None]]) -> Iterator[Fragment]:
        for name, (text, _) in routes.items():
            try:
                yield read_text(text, name, resolvers=self.language.resolvers)
            except BrokenFileError as error:
                self.checked.say(Place(name, error.line), str(error), "The file is ignored.")

    def problems(self, files: list[Fragment], chosen: list[Imagined], with_routes: bool) -> Iterable[Problem]:
        """Whatever the program would say, were these containers to run."""
        own = standing(self.every, proxy_of(self.every))
        others = {each.container.id: each.container for each in chosen}
        fragments = (self.fragment(each, own, others) for each in chosen)
        containers = merge(fragment for fragment in fragments if fragment)
        from_files = merge(files) if with_routes else self.assumed(containers)
        config = combine(from_files, containers, self.defaults, allowed=self.language.allowed)
        table = compile_table(config, self.entrypoints)
        self.checked.served |= {server.owner for each in config.services.values() for server in each.servers}
        for each in chosen:
            self.checked.findings += ways_past(each, config)
            self.checked.findings += ports_mixed_up(each, words(each) if _served(each, config) else ())
        self.note_names(config, table)
        owners = Owners({each.container.id: each.service.name for each in self.every}, self.unsure)
        unseen = frozenset() if with_routes else from_files.broken
        self.checked.sites |= dict.fromkeys(sites(config, self.entrypoints, owners, unseen))
        return (*config.problems, *table.problems)

    def fragment(self, each: Imagined, own: Own, others: Mapping[str, Container]) -> Fragment | None:
        """What the container asks for; where no file names a port, whatever the image exposes is taken."""
        read = partial(read_container, own=own, others=others, language=self.language)
        if each.container.exposed:
            return read(each.container)
        blind, seeing = read(each.container), read(replace(each.container, exposed=(ANY_PORT,)))
        for problem in blind.problems if blind else ():
            if seeing and problem not in seeing.problems:
                place = self.locator.spot(problem.where).place
                name = problem.where.rpartition(": ")[2].partition("=")[0]
                self.unsure[each.container.id] = place, problem.where, name
        return seeing

    def note_ports(self) -> None:
        """Said once of all: most compose files leave the port to the image."""
        by_label: dict[str, list[str]] = {}
        for owner, (_, _, label) in self.unsure.items():
            by_label.setdefault(label, []).append(owner)
        names = {each.container.id: each.service.name for each in self.every}
        for label, owners in by_label.items():
            place, where, _ = min(self.unsure[owner] for owner in owners)
            subject = where if len(owners) == 1 else ", ".join(names[owner] for owner in owners)
            what = f"{UNKNOWN_PORT} If it is none or several, write {label}=8080, with the app's port."
            now = "Where the image exposes exactly one, nothing has to be written."
            self.checked.findings.append(Finding(place, "notice", subject, what, now))

    def assumed(self, config: RoutingConfig) -> RoutingConfig:
        """What route files would have, of what containers name: there is none here."""
        options: dict[str, TLSOptions | None] = {}
        for router in config.routers.values():
            name = router.tls_options
            if isinstance(name, str) and provider_of(name) == PROVIDER and name != DEFAULT_OF_FILES:
                options[name] = USUAL_TLS
                self.note_elsewhere(router, name, "tls.options")
        return RoutingConfig(broken=self.elsewhere(config), tls_options=options)

    def note_elsewhere(self, router: Router, name: str, option: str) -> None:
        spot = self.locator.spot(f"{router.origin}: http.routers.{router.name.partition('@')[0]}.{option}")
        what = f'"{name}" is declared in a route file. Name that one, too: tidegate check FILE FILE'
        finding = Finding(spot.place, "notice", router.origin, what, "It is taken to be there.")
        self.checked.findings.append(finding)

    def elsewhere(self, config: RoutingConfig) -> frozenset[str]:
        """Names of route files, none of which is here: what they lead to cannot be judged."""
        found = frozenset(name for name in _references(config) if provider_of(name) == PROVIDER)
        first = dict.fromkeys(name for each in self.entrypoints for name in each.middlewares)
        for name in first:
            if provider_of(name) == PROVIDER:
                found |= {name}
                what = f'"{name}" is declared in a route file. Name that one, too: tidegate check FILE FILE'
                problem = Problem(f"default_middlewares={name}", what, "It is taken to be there.", "notice")
                if config.routers:  # else nobody takes it here
                    self.checked.findings.append(self.locator.finding(problem))
        for router in config.routers.values():
            for name in (router.service, *router.middlewares):
                if name in found:
                    self.note_elsewhere(router, name, "service" if name == router.service else "middlewares")
        return found

    def note_names(self, config: RoutingConfig, table: RoutingTable) -> None:
        """Hosts that no public authority certifies: they get certificates of Tidegate's own."""
        wanted = table.hosts()
        for routes in table.routes.values():
            for route in routes:
                pairs = list(torn_hosts(route.rule.hosts))
                torn = {each for end, whole in pairs for each in (end, whole[: -len(end) - 1])}
                for host in set(route.rule.hosts) - torn:  # one mistake makes one message
                    name = read_name(host)
                    certified = name.public or bool(name.address and name.address.is_global)
                    if host in wanted and (not certified or name.refusal):
                        self.note_name(route.router.origin, route.router.name, host, name.refusal)

    def note_name(self, origin: str, router: str, host: str, why: str) -> None:
        path = f"http.routers.{router.partition('@')[0]}.rule"
        place = self.locator.spot(f"{origin}: {path}" if origin else path).place
        reason = why or "No public authority certifies it: it exists in no public DNS."
        now = "Its certificate comes from Tidegate's own authority: tidegate trust says how to trust that."
        if why == NEEDS_DNS:  # whether a provider is set up is no matter of the file that is checked
            reason = "A wildcard can be proven by DNS records alone."
            now = f"Without --dns: {now[0].lower()}{now[1:]}"
        number = bool(why) and host.rpartition(".")[2].isdecimal()  # no browser asks for such a name
        severity: Severity = "warning" if number else "notice"
        self.checked.findings.append(Finding(place, severity, host, reason, now))


def _served(each: Imagined, config: RoutingConfig) -> bool:
    return any(server.owner == each.container.id for s in config.services.values() for server in s.servers)


def _references(config: RoutingConfig) -> Iterator[str]:
    for router in config.routers.values():
        yield router.service
        yield from router.middlewares
    for middleware in config.middlewares.values():
        yield from referred(middleware, MiddlewareName)
        yield from referred(middleware, ServiceName)
