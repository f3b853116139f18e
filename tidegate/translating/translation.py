"""Translation: a compose file in, the same file with native labels out, and what could not be translated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from discovery.container import COMPOSE, SERVING, Container
from discovery.label_text import NGINX_PROXY, ROOT, TRAEFIK
from discovery.language import Language, only_aside, words_of
from discovery.tree import LabelNameError
from proxy.model import Entrypoint
from tidegate.composefile.imagined import is_other_proxy
from tidegate.composefile.nodes import Branch, Leaf, Listing, Reader
from tidegate.composefile.service import Service, read_service
from tidegate.translating.masking import Mask
from tidegate.translating.rewriting import Sheet, insert_labels, remove, rewrite_labels
from tidegate.translating.wording import Word, Wording, word

COMPANION = ("LETSENCRYPT_HOST", "LETSENCRYPT_EMAIL", "LETSENCRYPT_TEST", "ACME_HOST", "ACME_EMAIL")
"""What acme-companion is told: the host name decides here."""


@dataclass(slots=True)
class Translation:
    text: str
    notes: list[str] = field(default_factory=list)
    """What was not translated, or not exactly; one thing each, some of several lines."""
    failed: bool = False
    """Something that was asked for could not be translated at all."""


def translate(
    text: str, dialect: str, language: Language, entrypoints: Iterable[Entrypoint], name: str = "compose.yaml"
) -> Translation:
    """Raises BrokenYAML."""
    root = Reader(name, text).read()
    services = root.get("services") if isinstance(root, Branch) else None
    sheet, notes = Sheet(text), list[str]()
    entries, failed, concerned = tuple(entrypoints), not isinstance(services, Branch), False
    for key, node in services.entries.values() if isinstance(services, Branch) else ():
        if isinstance(node, Branch):
            one = _One(sheet, node, key, dialect, language, notes)
            one.translate(entries)
            failed |= one.failed
            concerned |= one.concerned
    if not isinstance(services, Branch):
        notes.append(f"{name}: There are no services in it.")
    elif not concerned:
        words = "variables" if dialect == NGINX_PROXY else "labels"
        notes.append(f"{name}: No service has {words} of {dialect}, so there is nothing to translate.")
    return Translation(sheet.written(), notes, failed)


def _ports(labels: Mapping[str, str]) -> set[str]:
    return {value for label, value in labels.items() if label.lower().endswith(".loadbalancer.server.port")}


@dataclass(slots=True)
class _One:
    """One service."""

    sheet: Sheet
    node: Branch
    key: Leaf
    dialect: str
    language: Language
    notes: list[str]
    mask: Mask = field(default_factory=Mask)
    failed: bool = False
    concerned: bool = False
    """Whether it has words of the dialect."""

    def note(self, what: str, *, failed: bool = False) -> None:
        self.notes.append(f"{self.key.text}: {what}")
        self.failed |= failed

    def translate(self, entrypoints: tuple[Entrypoint, ...]) -> None:
        service = read_service(self.key.text, self.key.place, self.node)
        container = self.container(service)
        if is_other_proxy(service):
            self.note("This is the proxy itself; README.md has the service that takes its place.")
            return
        if not words_of(self.dialect, container.labels, container.environment):
            return
        self.concerned = True
        if sections := self.no_http(container.labels):
            ports = " or ".join(sorted(_ports(container.labels))) or "its port"
            kinds = " and ".join(sections)
            self.note(
                f"It has {kinds} routers alone, and Tidegate serves HTTP. It stays as it is: "
                f"publish {ports} by ports:, past any proxy.",
                failed=True,
            )
            return
        if words_of(ROOT, container.labels) and not only_aside(container.labels):
            self.note("It has labels of Tidegate's own already. It stays as it is.")
            return
        try:
            wording = word(container, self.dialect, self.language, entrypoints)
        except LabelNameError as error:
            self.note(f"It stays as it is: {error}", failed=True)
            return
        self.tell(wording, service)
        if wording.words and not self.from_elsewhere():
            if self.dialect == NGINX_PROXY and self.node.flow:
                self.note(
                    "It is written in braces, where no lines can be added. It stays as it is.", failed=True
                )
            else:
                self.write(wording)

    def no_http(self, labels: Mapping[str, str]) -> list[str]:
        """The kinds of routers that it has, where none of them is for HTTP."""
        if self.dialect != TRAEFIK:
            return []
        found = {label.lower().split(".")[1] for label in labels if label.lower().startswith(f"{TRAEFIK}.")}
        return [kind.upper() for kind in ("tcp", "udp") if kind in found and "http" not in found]

    def container(self, service: Service) -> Container:
        labels = {name: self.mask.hide(name, each.value) for name, each in service.labels.items()}
        if self.dialect == TRAEFIK:  # its users name their elements, those of others are called after the app
            labels |= {f"{COMPOSE}project": "project", f"{COMPOSE}service": service.name}
        variables = {name: self.mask.hide(name, each.value) for name, each in service.environment.items()}
        exposed = {*service.expose, *(port.target for port in service.ports)}
        container = Container(
            "0" * 64,
            service.name,
            labels=labels,
            environment={name: value for name, value in variables.items() if name in SERVING},
            exposed=tuple(sorted(exposed)) or (80,),
        )
        wish = (
            self.language.wish(labels).wanted
            or replace(self.language, dialects=(self.dialect,)).wish(labels).wanted
        )
        return replace(container, networks={wish or "bridge": "172.17.0.2"})

    def tell(self, wording: Wording, service: Service) -> None:
        for problem in wording.problems:
            lines = str(problem).splitlines()
            if not any("EXPOSE" in line for line in lines):
                self.failed |= problem.severity == "error"
                self.notes.append("\n".join([f"{problem.severity}: {self.mask.show(lines[0])}", *lines[1:]]))
        named = any(each.name.lower().endswith("port") for each in wording.words)
        if wording.words and not named and not service.expose and not service.ports:
            self.note("No port is named: where the image exposes none or several, add tidegate.port.")
        if not wording.words:
            self.note("It stays as it is.", failed=True)
        elif not wording.exact:
            self.note("The translation does not say exactly the same; compare both with tidegate check.")

    def from_elsewhere(self) -> bool:
        """Whether the labels stand outside of the service, as behind an alias."""
        begin, end = self.node.span
        for attribute in ("labels", "environment"):
            found = self.node.get(attribute)
            if found is None or (self.dialect == NGINX_PROXY and attribute == "labels"):
                continue
            outside = not begin <= found.span[0] < end or attribute in self.node.merged
            merged = isinstance(found, Branch) and found.merged
            if (outside or merged) and (attribute == "labels") == (self.dialect != NGINX_PROXY):
                self.note(f"Its {attribute} come from elsewhere (<<, *). It stays as it is.", failed=True)
                return True
        return False

    def write(self, wording: Wording) -> None:
        words = [Word(each.name, self.mask.show(each.value), each.instead_of) for each in wording.words]
        labels = self.node.get("labels")
        if self.dialect != NGINX_PROXY:
            if isinstance(labels, Branch | Listing):
                rewrite_labels(self.sheet, labels, words, wording.gone)
            return
        environment = self.node.get("environment")
        key = self.node.entries["environment"][0]
        if isinstance(labels, Branch | Listing):
            rewrite_labels(self.sheet, labels, words, frozenset())
        if isinstance(environment, Branch | Listing):
            gone = {*wording.gone, *COMPANION}
            if not remove(self.sheet, environment, gone):
                number = self.sheet.line_at(key.span[0])
                self.sheet.spans = [span for span in self.sheet.spans if span[:2] != environment.span]
                self.sheet.drop(number, max(number, self.sheet.last_line(environment)), [], indent="")
        if not isinstance(labels, Branch | Listing):
            insert_labels(self.sheet, key, words)
