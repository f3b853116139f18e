"""Running: what has begun of the declared middlewares, kept while their declaration stays the same.

A table is built anew with every change of any container; buckets, counters
and remembered passwords must not start anew with it.  They belong to one
router and one middleware's name, as in Traefik, on all of its entrypoints.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from proxy.exchange import Acting, Begins
from proxy.surroundings import Surroundings

_Place: TypeAlias = tuple[str, str]


@dataclass(slots=True)
class Running:
    around: Surroundings
    _kept: dict[_Place, tuple[Begins, Acting]] = field(default_factory=dict)
    _asked: dict[_Place, tuple[Begins, Acting]] = field(default_factory=dict)

    def of(self, router: str, name: str, declared: Acting | Begins) -> Acting:
        """What acts for this middleware of the router."""
        if not isinstance(declared, Begins):
            return declared
        place = router, name
        kept = self._asked.get(place) or self._kept.get(place)
        if kept is None or kept[0] != declared:
            kept = declared, declared.begin(self.around)
        self._asked[place] = kept
        return kept[1]

    def forget(self) -> None:
        """Everything that has not been asked for since this was said last."""
        self._kept, self._asked = self._asked, {}
