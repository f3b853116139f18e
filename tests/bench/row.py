"""Row: one figure of every peer, and how the peers compare in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Measured:
    value: float
    spread: float = 0.0  # between the rounds, (most - least) / median

    @classmethod
    def of(cls, values: Sequence[float]) -> Measured:
        middle = median(values)
        return cls(middle, (max(values) - min(values)) / middle if middle else 0.0)


@dataclass(frozen=True, slots=True)
class Absent:
    """No figure, and why."""

    reason: str


Cell = Measured | Absent


@dataclass(frozen=True, slots=True)
class Section:
    """A table: rows of one unit, and whether more of it is better."""

    title: str
    more_is_better: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    section: Section
    title: str
    cells: Mapping[str, Cell]  # by the peer's name

    def value(self, name: str) -> float | None:
        cell = self.cells.get(name)
        return cell.value if isinstance(cell, Measured) else None

    def best(self, among: Collection[str]) -> str | None:
        """Who has the best figure; nobody if nobody has one."""
        known = {name: value for name in among if (value := self.value(name)) is not None}
        choose = max if self.section.more_is_better else min
        return choose(known, key=lambda name: known[name]) if known else None

    def ratio(self, name: str, other: str | None) -> float | None:
        """How many times as good `name` is as `other`: above 1 is better, whatever the unit."""
        if other is None or not (one := self.value(name)) or not (two := self.value(other)):
            return None
        return one / two if self.section.more_is_better else two / one
