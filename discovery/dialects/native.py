"""Native: Tidegate's own labels, the short ones and the long ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from discovery.container import Container
from discovery.declared import SECTIONS
from discovery.dialects.doubtful import network_meant, torn_hosts
from discovery.dialects.expansion import speaks_of_router
from discovery.dialects.long_form import TLS_OPTIONS, is_long, long_form
from discovery.dialects.long_only import long_spelling
from discovery.dialects.not_needed import instead_of_word
from discovery.dialects.short import OF_ONE_SITE, ShortLabels, SiteLabels
from discovery.dialects.short_values import USERS_IN_A_FILE
from discovery.dialects.traefik_names import means_lets_encrypt, unknown_resolver
from discovery.label_text import ROOT, first_below, shown
from discovery.language import Language, labels_of
from discovery.spoken import Spoken, element_name, named
from discovery.tree import grow, steps
from proxy.problem import Problem
from proxy.schema import Flaw, Tree, canonical, closest, options_of, parse_options
from proxy.values import FALSE

_WORDS = frozenset(canonical(each.name) for each in options_of(ShortLabels).values())
_NOT_A_SITE = ("http", "tcp", "udp", "tls", *SECTIONS)


def names_a_file(path: Sequence[str]) -> bool:
    """Whether somebody has tried to say where the users stand: auth.file, authFile, usersFile."""
    spelled = "".join(map(canonical, path))
    return spelled in ("authfile", "authusersfile", "usersfile", "authbasicusersfile")


def closed(labels: Mapping[str, str]) -> bool:
    return any(
        label.lower() == f"{ROOT}.enable" and value.strip() in FALSE for label, value in labels.items()
    )


def speak(container: Container, language: Language, problems: list[Problem]) -> Spoken | None:
    """What the labels say; None after a mistake that leaves open what is meant."""
    refused = f'Container "{container.name}" is not served; other containers are unaffected.'
    reader = _Reader(container, language, refused)
    short, sites = reader.read()
    spoken = reader.spoken(short, sites) if short is not None and not reader.problems else None
    problems += [*reader.notes, *reader.problems]
    return None if reader.problems else spoken


@dataclass(slots=True)
class _Reader:
    container: Container
    language: Language
    refused: str
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    """What takes nothing away from the container."""
    labels: dict[str, str] = field(default_factory=dict)
    places: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def read(self) -> tuple[ShortLabels | None, dict[str, SiteLabels]]:
        self.labels = labels_of(ROOT, self.container.labels)
        words, sites = self.sorted_out()
        short, flaws = parse_options(ShortLabels, words)
        self.report((), flaws)
        if short is None:
            return None, {}
        found = {}
        for name, below in sites.items():
            common = {key: each for key, each in words.items() if canonical(key) not in OF_ONE_SITE}
            own = {canonical(key) for key in below}
            inherited = {key: each for key, each in common.items() if canonical(key) not in own}
            site, flaws = parse_options(SiteLabels, {**inherited, **below})
            self.report((name,), flaws)
            if site is not None:
                found[name] = site
                self.check(site, f"{ROOT}.{name}")
        self.check(short, ROOT)
        return short, found

    def sorted_out(self) -> tuple[dict[str, Tree], dict[str, dict[str, Tree]]]:
        """The container's own words, and those of its sites."""
        root = grow({label: value for label, value in self.labels.items() if not is_long(label)})
        words: dict[str, Tree] = {}
        sites: dict[str, dict[str, Tree]] = {}
        for node in root.children if root else ():
            if node.children and node.name.lower() == "tls":
                self.not_a_site(node.name)
            elif node.children and canonical(node.name) not in _WORDS:
                if node.name.lower() in _NOT_A_SITE:
                    self.not_a_site(node.name)
                elif node.value is None and isinstance(node.tree, dict):
                    sites[node.name] = node.tree
                else:
                    words[node.name] = node.tree
            else:
                words[node.name] = node.tree
        return words, sites

    def not_a_site(self, name: str) -> None:
        below = f"{ROOT}.{name.lower()}."
        label = next(
            each for each in sorted(self.labels) if each.lower().startswith(below) and not is_long(each)
        )
        if name.lower() in SECTIONS:
            what = f'"http" is missing: {ROOT}.http.{label[len(ROOT) + 1 :]}'
        elif name.lower() == "tls" and canonical(steps(label)[2]) == "certresolver":
            what = self.resolver_named(label)
        elif name.lower() == "tls":
            what = f"Of TLS, labels declare options, as {TLS_OPTIONS}NAME.minVersion, and no certificates."
        else:
            where = shown(self.container.name, label, self.labels[label])
            what = f"{name.upper()} routers are not served; Tidegate serves HTTP."
            self.notes.append(Problem(where, what, "Other labels of the container are unaffected."))
            return
        self.wrong(label, what)

    def instead(self, above: tuple[str, ...], path: Sequence[str], label: str) -> str:
        """What to write for a word that is none; "" where the flaw says it best."""
        if canonical(path[0]) in _WORDS:
            below_tls = canonical(path[0]) == "tls" and canonical(steps(label)[-1]) == "certresolver"
            return self.resolver_named(label) if below_tls else ""
        if not above:
            return instead_of_word(path) or long_spelling(path, self.container.app)
        is_site = f"{ROOT}.{above[0]}.host".lower() in map(str.lower, self.labels)
        slip = closest(path[0], _WORDS) is not None
        return instead_of_word(path if is_site or slip else above)

    def resolver_named(self, label: str) -> str:
        above, resolver = label.rpartition(".")[0], self.labels.get(label, "").strip()
        if self.language.resolvers.meant(resolver) is not None:
            return f"Write {above}: {resolver}"
        return f"Leave it away: certificates come by themselves. A resolver of the settings: {above}: NAME"

    def wrong(self, label: str, what: str, *, secret: bool = False) -> None:
        where = shown(self.container.name, label, self.labels.get(label, ""), secret=secret)
        self.problems.append(Problem(where, what, self.refused))

    def report(self, above: tuple[str, ...], flaws: tuple[Flaw, ...]) -> None:
        for flaw in flaws:
            path = (ROOT, *above, *flaw.path)
            label = self.written(path)
            what = self.instead(above, flaw.path, label)
            if names_a_file(steps(label)[1 + len(above) :]):
                what = f"{USERS_IN_A_FILE[0].upper()}{USERS_IN_A_FILE[1:]}."
            self.wrong(label, what or flaw.what, secret=canonical(flaw.path[0]) == "auth")

    def written(self, path: tuple[str, ...]) -> str:
        """The label that stands at the path, or below it, in its own spelling."""
        if not self.places:
            self.places = first_below(
                {tuple(map(str.lower, steps(label))): label for label in sorted(self.labels)}
            )
        return self.places.get(tuple(map(str.lower, path)), ".".join(path))

    def doubt(self, short: SiteLabels, at: tuple[str, ...]) -> None:
        """What is right as it stands, and nobody means."""
        for host, whole in torn_hosts(short.host):
            what = f'"{host}" is a host of its own here. Did you mean {whole}?'
            self.note(self.written((*at, "host")), what)
        for word in ("allow", "maintenance"):
            label = self.written((*at, word))
            for text in self.labels.get(label, "").split(","):
                if network := network_meant(text):
                    what = f"{text.strip()} means that one address. Write {network} for the network."
                    self.note(label, what)

    def note(self, label: str, what: str) -> None:
        where = shown(self.container.name, label, self.labels.get(label, ""))
        self.notes.append(Problem(where, what, "It is taken as it is written.", "warning"))

    def check(self, short: SiteLabels, prefix: str) -> None:
        """What has no meaning without its sibling."""
        at = tuple(prefix.split("."))
        self.doubt(short, at)
        if short.path and not short.host:
            self.wrong(self.written((*at, "path")), f"Say which host, too: {prefix}.host=blog.example.com")
        if short.redirect and (not short.host or short.host[0].startswith("*")):
            what = f"Say where to, as the first of {prefix}.host=blog.example.com"
            self.wrong(self.written((*at, "redirect")), what)
        if short.host and short.host[0] in short.redirect:
            what = f'"{short.host[0]}" would be redirected to itself, for ever. Name only other hosts here.'
            self.wrong(self.written((*at, "redirect")), what)
        elif twice := next((each for each in short.redirect if each in short.host), ""):
            what = f'"{twice}" is a host of the site, too. To have it redirected, take it out there.'
            self.note(self.written((*at, "redirect")), what)
        if short.strip and not short.path:
            self.wrong(self.written((*at, "strip")), f"Say what is cut off: {prefix}.path=/blog")
        resolvers = self.language.resolvers
        known = not short.tls or short.tls == "off" or resolvers.meant(short.tls) is not None
        if short.tls and not known and not means_lets_encrypt(short.tls):
            instead = unknown_resolver(short.tls, resolvers, " Or off, for plain HTTP.")
            self.wrong(self.written((*at, "tls")), instead)
        if short.tls_options and short.tls == "off":
            self.wrong(self.written((*at, "tlsOptions")), "Without TLS there are no options of it.")
        if short.hsts not in (None, "") and short.tls == "off":
            self.wrong(self.written((*at, "hsts")), "Browsers believe it over HTTPS alone.")
        if prefix != ROOT and not short.host:
            self.wrong(self.written(at), f"Say which host, too: {prefix}.host=blog.example.com")

    def spoken(self, short: ShortLabels, sites: Mapping[str, SiteLabels]) -> Spoken:
        long = long_form(self.labels, short, sites, self.container.app)
        routers = named(long, "routers")
        if speaks_of_router(short) and not short.host and len(routers) > 1 + len(sites):
            self.which_router(routers)
        self.warn_of_open_routers(short)
        words = speaks_of_router(short) or any((short.port, short.scheme, short.network))
        written = {steps(label)[2].lower() for label in self.labels if is_long(label)}
        names = bool(short.host or sites or written - {"middlewares", "options"})
        if not names and not self.language.default_rule:
            long = tuple(label for label in long if is_long(label.written))
        return Spoken(
            name=short.name or element_name(self.container.app),
            labels=long,
            asks=words or bool(self.labels and not written),
            implies=names or words or bool(short.enable) or self.language.serve_all,
        )

    def warn_of_open_routers(self, short: ShortLabels) -> None:
        """Whoever limits the site that a short label names may think that he has limited all of them."""
        ruled = [label for label in sorted(self.labels) if is_long(label) and label.lower().endswith(".rule")]
        limits = [word for word in ("allow", "auth") if getattr(short, word)]
        if short.host and ruled and limits:
            label, router = self.written((ROOT, limits[0])), steps(ruled[0])[3]
            where = shown(self.container.name, label, self.labels.get(label, ""))
            what = f'This is about {ROOT}.host, not about router "{router}", which has a rule of its own.'
            instead = "Name middlewares in its own labels, where it needs them."
            self.notes.append(Problem(where, what, instead, "warning"))

    def which_router(self, routers: list[str]) -> None:
        word = next(
            each
            for each in (
                *("auth", "allow", "headers", "middlewares", "entrypoints", "tlsoptions", "tls", "priority"),
                *("defaults", "maintenance", "hsts"),
            )
            if any(label.lower().startswith(f"{ROOT}.{each}") for label in self.labels)
        )
        what = f"There are {len(routers)} routers: {', '.join(routers)}. Say which one, in the long form."
        self.wrong(self.written((ROOT, word)), what, secret=word == "auth")
