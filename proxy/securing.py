"""Securing: which TLS options hold for which host.

They are chosen by the name that a client asks for before there is any request,
so they are a matter of hosts: what one router says of its host holds for all
of that host.  What is not as declared is not served; a host is never served
with less than some router of it asks for.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from proxy.frozen import frozen
from proxy.host_index import covers
from proxy.model import Router, RoutingConfig, withheld
from proxy.option import closest
from proxy.problem import Problem, Severity
from proxy.rule import Rule
from proxy.tls_options import DEFAULT, USUAL, TLSOptions
from proxy.unheard import Unheard

DEFAULT_OF_FILES = f"{DEFAULT}@file"


def name_shown(name: str | None, known: Container[str]) -> str | None:
    """Which of the known names holds for this one: itself, or the wildcard one label up (RFC 9525 6.3)."""
    wanted = (name or "").lower().rstrip(".")
    wildcard = "*." + wanted.partition(".")[2]
    return next((each for each in (wanted, wildcard) if each in known), None)


@frozen
class Securing:
    """The options of all hosts; `by_host` has those that differ from the default."""

    default: TLSOptions = USUAL
    by_host: Mapping[str, TLSOptions] = field(default_factory=dict)

    def of(self, name: str | None) -> TLSOptions:
        """Those of a host, or of a client that names none."""
        known = name_shown(name, self.by_host) if self.by_host else None
        return self.default if known is None else self.by_host[known]


@dataclass(slots=True)
class Secured:
    """What comes of a config: `refused` are routers that may not be served, each with the reason."""

    config: RoutingConfig
    rules: Mapping[str, Rule]
    refused: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _said: dict[str, tuple[Router, TLSOptions | None]] = field(default_factory=dict)
    """By host: who says it, and the options; None where they are not there."""
    _unheard: Unheard = field(default_factory=Unheard)

    def __post_init__(self) -> None:
        for each in self.config.withheld:
            self._unheard.add(each, self._known(each.tls_options))
        spoken = [each for each in map(self._router, self.rules) if each.tls is not False]
        for router in spoken:
            if router.tls_options is not None:
                self._hear(router)
        for router in spoken:
            if router.name not in self.refused:
                self._hold_to_hosts(router)
            if router.name not in self.refused:
                self._hold_to_unheard(router)

    def _router(self, name: str) -> Router:
        return self.config.routers[name]

    def _hold_to_hosts(self, router: Router) -> None:
        """What is said of its hosts holds for it, too."""
        hosts = self.rules[router.name].hosts
        for host in hosts:
            for sayer, options in self._rivals(host):
                if options is None and sayer.origin == router.origin:
                    self.refused[router.name] = "The TLS options of its host are missing."
                elif options and options.asks and sayer.origin != router.origin:
                    self._note(router, sayer, host)
        lacks = self.config.tls_options.get(DEFAULT_OF_FILES, USUAL) is None
        if lacks and not all(name_shown(host, self._said) for host in hosts or ("",)):
            self.refused[router.name] = "The default TLS options have a mistake in them."

    def _hold_to_unheard(self, router: Router) -> None:
        """Its hosts are not to be more open than they were meant to be."""
        rule = self.rules[router.name]
        own = None if router.tls_options is None else self._known(router.tls_options)
        for host, claim in self._unheard.near(rule, router.origin):
            if claim.options is not None and claim.options == self._agreed(host):
                continue
            asks = claim.options is not None and claim.options.asks
            if own is not None and claim.options is not None and not asks:
                continue
            other = f'Router "{_plain(claim.said.name)}"'
            what = f"{other} says TLS options for {host or 'all hosts'}, and they cannot be had."
            self._refuse(router, f"{what} Without them no router there is served.")
            return

    def _agreed(self, host: str) -> TLSOptions | None:
        """What is said of the host, if anything is."""
        known = name_shown(host, self._said)
        return self._said[known][1] if known else None

    def securing(self) -> Securing:
        default = self.config.tls_options.get(DEFAULT_OF_FILES) or USUAL
        found = {host: said or default for host, (_, said) in self._said.items()}
        if all(each == default for each in found.values()):
            return Securing(default)
        return Securing(default, found)

    def _hear(self, router: Router) -> None:
        rule = self.rules[router.name]
        if rule.index is None or not rule.hosts:
            what = "TLS options are chosen by the host, and this rule takes requests for any."
            self._leave_unheard(router, what)
            return
        options = self._looked_up(router)
        for host in rule.hosts:
            rival = next((each for each in self._rivals(host) if each[1] != options), None)
            if rival:
                other = _plain(rival[0].name)
                what = f'Router "{other}" says other TLS options for {host}; they hold for all of a host.'
                self._leave_unheard(router, what)
                return
        for host in rule.hosts:
            self._said.setdefault(host, (router, options))

    def _leave_unheard(self, router: Router, what: str) -> None:
        self._refuse(router, what)
        for each in withheld(router):
            self._unheard.add(each, self._known(each.tls_options), of_all=True)

    def _rivals(self, host: str) -> Iterator[tuple[Router, TLSOptions | None]]:
        """What is said of the host, or of some that it stands for or is one of."""
        for other in dict.fromkeys((host, "*." + host.partition(".")[2])):
            if other in self._said:
                yield self._said[other]
        if host.startswith("*."):
            yield from (said for other, said in self._said.items() if covers(host, other) and other != host)

    def _known(self, name: str | TLSOptions | None) -> TLSOptions | None:
        if not isinstance(name, str):
            return name
        return self.config.tls_options.get(name, USUAL if name == DEFAULT_OF_FILES else None)

    def _looked_up(self, router: Router) -> TLSOptions | None:
        name, known = router.tls_options, self.config.tls_options
        if isinstance(name, str) and name != DEFAULT_OF_FILES and name not in known:
            what = f'There are no TLS options "{_plain(name)}" in route files.'
            self._refuse(router, f"{what} {_instead(_plain(name), [_plain(each) for each in known])}")
        return self._known(name)

    def _refuse(self, router: Router, what: str) -> None:
        self.refused[router.name] = what
        self._say(router, what, f'Router "{_plain(router.name)}" answers 503.')

    def _note(self, router: Router, sayer: Router, host: str) -> None:
        whose = f'router "{_plain(sayer.name)}" of {sayer.origin}'
        what = f"Visitors of {host} are asked for a certificate: {whose} says so."
        self._say(router, what, "TLS options hold for all of a host.", "notice")

    def _say(self, router: Router, what: str, consequence: str, severity: Severity = "error") -> None:
        where = f"{router.origin}: " if router.origin else ""
        place = f"{where}http.routers.{_plain(router.name)}.tls.options"
        self.problems.append(Problem(place, what, consequence, severity))


def _instead(name: str, known: list[str]) -> str:
    if guess := closest(name, known):
        return f'Did you mean "{guess}"?'
    return f"Known: {', '.join(sorted(known))}." if known else "None is declared."


def _plain(name: str) -> str:
    return name.partition("@")[0]
