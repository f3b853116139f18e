"""Host index: what may concern a host, found without looking at the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from proxy.breath import breathe

T = TypeVar("T")


def covers(named: str, host: str) -> bool:
    """Whether the name in a rule takes the host: it is the same, or `*.` and one label above."""
    return named == host or (named.startswith("*.") and named[2:] == host.partition(".")[2])


class HostIndex(Generic[T]):
    """Entries in their order, each for some hosts (`*.parent` is one label below), or for any (None).

    The lists are merged when the index is built, so that a lookup is one or two
    dictionary reads and what it returns is already in order.
    """

    __slots__ = ("_anywhere", "_below", "_exact")

    def __init__(self, entries: Iterable[tuple[frozenset[str] | None, T]]) -> None:
        ordered = list(entries)
        anywhere: list[int] = []
        by_name: dict[str, list[int]] = {}
        for rank, (names, _) in enumerate(ordered):
            breathe()
            if names is None:
                anywhere.append(rank)
            for name in names or ():
                by_name.setdefault(name, []).append(rank)

        def merged(*names: str) -> tuple[T, ...]:
            breathe()
            lists = [ranks for ranks in (anywhere, *(by_name.get(name) for name in names)) if ranks]
            if len(lists) == 1:  # nearly always: nothing has to be sorted
                return tuple(ordered[rank][1] for rank in lists[0])
            return tuple(ordered[rank][1] for rank in sorted(set().union(*lists)))

        self._anywhere = merged()
        self._below = {name[2:]: merged(name) for name in by_name if name.startswith("*.")}
        self._exact = {
            name: merged(name, "*." + name.partition(".")[2]) for name in by_name if not name.startswith("*.")
        }

    def names(self) -> Iterable[str]:
        """The hosts that some entries are for, without wildcards."""
        return self._exact.keys()

    def candidates(self, host: str) -> tuple[T, ...]:
        found = self._exact.get(host)
        if found is None:
            found = self._below.get(host.partition(".")[2], self._anywhere)
        return found
