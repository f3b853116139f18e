"""Wants: the hosts that want certificates, whose they are to be, and what covers them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from acme_client.authority import Authorities, resolver_of
from acme_client.certificate import INTERNAL
from acme_client.events import Event, Refused
from acme_client.host import Host
from acme_client.names import Name, covered, read_name
from acme_client.resolver import USUAL, Resolvers


@dataclass(slots=True, eq=False)
class Wants:
    """Hosts are added here; who has done with one takes it away."""

    hosts: dict[str, Host]
    resolvers: Resolvers
    log: Callable[[Event], None]
    names: frozenset[str] = frozenset()
    """Those that were asked for the last time."""
    _named: Mapping[str, str] = field(default_factory=dict)
    """The resolver of each host that has not the usual one."""
    _covered: Mapping[str, str] = field(default_factory=dict)
    """The wildcard of each host that needs no certificate of its own beside it."""
    _newest: int = 0

    def take(self, hosts: Collection[str], resolvers: Mapping[str, str]) -> None:
        before, self._named = self._named, dict(resolvers)
        for host in {host for host, _ in before.items() ^ self._named.items()}:
            self._move(host)
        names = self._judged(hosts)
        self.names = frozenset(names)
        for host in sorted(names.keys() - self.hosts.keys()):
            self._add(names[host], self._named.get(host, USUAL))
            if names[host].refusal:
                self.log(Refused(host, names[host].refusal))
        self._cover(names)

    def add_wildcards(self, needed: Mapping[str, str]) -> bool:
        """Those that are not asked for, by their authorities, each to be renewed in the way that it came.

        Returns whether one is new.
        """
        new = [wildcard for wildcard in needed if wildcard not in self.hosts]
        for wildcard in new:
            resolver = resolver_of(needed[wildcard])
            self._add(self.resolvers.find(resolver).authorities.judge(read_name(wildcard)), resolver)
        return bool(new)

    def _add(self, name: Name, resolver: str) -> None:
        self._newest += 1
        directories = self.resolvers.find(resolver).authorities.directories_for(name)
        self.hosts[name.host] = Host(
            name, directories[0], self._newest, others=directories, resolver=resolver
        )

    def _cover(self, names: Mapping[str, Name]) -> None:
        """A wildcard covers those of its own resolver alone; ours cost nothing, so they need none."""
        before, self._covered = self._covered, {}
        if any(host.startswith("*.") for host in names):
            of_each: dict[str, dict[str, Name]] = {}
            for host, name in names.items():
                of_each.setdefault(self._named.get(host, USUAL), {})[host] = name
            of_each.pop(INTERNAL, None)
            self._covered = {host: by for each in of_each.values() for host, by in covered(each).items()}
        for host in before.keys() | self._covered.keys():
            if host in self.hosts:
                self.hosts[host].covered_by = self._covered.get(host, "")

    def _judged(self, hosts: Collection[str]) -> dict[str, Name]:
        """Judging takes time: with ten thousand hosts it is done only once for each."""
        names = {}
        for host in hosts:
            if (known := self.hosts.get(host)) is not None:
                names[host] = known.name
            else:
                name = self._asked_for(host).judge(read_name(host))
                names[name.host] = name
        return names

    def _asked_for(self, host: str) -> Authorities:
        return self.resolvers.find(self._named.get(host, USUAL)).authorities

    def _move(self, host: str) -> None:
        """Another authority is to certify it from now on; what it has is served until that has."""
        if known := self.hosts.get(host):
            authorities = self._asked_for(host)
            known.name = authorities.judge(read_name(host))
            known.others = authorities.directories_for(known.name)
            known.directory, known.resolver = known.others[0], self._named.get(host, USUAL)
