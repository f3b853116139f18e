"""Registered: what of a name somebody has registered, `example.com` or `me.duckdns.org`; CAs count by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from acme_client.names import read_name

REMEMBERED = 20_000


class Domains:
    """Answers that are remembered, because finding one takes the list of public suffixes into memory."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, hosts: Collection[str]) -> Mapping[str, str]:
        """By host.  Blocks for 50 ms, and takes 2 MB meanwhile, where one of them is new."""
        if unknown := set(hosts) - self._known.keys():
            if len(self._known) + len(unknown) > REMEMBERED:
                self._known.clear()
                unknown = set(hosts)
            self._known.update(registered(unknown))
        return {host: self._known[host] for host in hosts}


def registered(hosts: Iterable[str]) -> Mapping[str, str]:
    """The list is that of the package, as old as its release; what is missing there counts as no suffix."""
    from publicsuffixlist import PublicSuffixList

    suffixes = PublicSuffixList()

    def domain(host: str) -> str:
        name = host.removeprefix("*.")
        return name if read_name(name).address else suffixes.privatesuffix(name) or name

    return {host: domain(host) for host in hosts}
