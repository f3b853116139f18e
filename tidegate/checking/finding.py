"""Finding: one thing to say about a file, with the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.problem import Severity
from tidegate.composefile.nodes import Place

RANK = {"error": 0, "warning": 1, "notice": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is what it is about, as its owner can search for it; `sketch` a line with a caret below."""

    place: Place
    severity: Severity
    subject: str
    what: str
    consequence: str = ""
    sketch: str = ""

    @property
    def lines(self) -> list[str]:
        return [
            line for part in (self.sketch, self.what, self.consequence) if part for line in part.splitlines()
        ]

    @property
    def rank(self) -> tuple[str, int, int, int, str]:
        return self.place.file, self.place.line, self.place.column, RANK[self.severity], self.what
