"""Finding: one thing to say about a file, with the place where it stands; and all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from proxy.frozen import frozen
from proxy.problem import Problem, Severity
from tidegate.composefile.nodes import Place

RANK = {"error": 0, "warning": 1, "notice": 2}


@frozen
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


@dataclass(slots=True)
class Checked:
    """All findings so far, and the files that were looked at."""

    findings: list[Finding] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    sites: dict[str, None] = field(default_factory=dict)
    """What is served, one line for each router: its hosts, and where they lead."""
    served: set[str] = field(default_factory=set)
    """The ids of containers that a service has."""
    could_serve: bool = False
    """Whether compose files or route files are among them."""

    def say(self, place: Place, what: str, consequence: str) -> None:
        self.findings.append(Finding(place, "error", "", what, consequence))

    def judge_settings(self, file: str, problems: Iterable[Problem]) -> None:
        """What is wrong in a settings file, by the lines that its problems name."""
        self.files.append(file)
        for problem in problems:
            line = re.match(r"[0-9]+", problem.where.removeprefix(f"{file}:"))
            subject = problem.where.removeprefix(f"{file}:").partition(": ")[2]
            place = Place(file, int(line[0]) if line else 1)
            self.findings.append(Finding(place, "error", subject, problem.what, "Tidegate does not start."))
        # The service that runs Tidegate may have it mounted, and have been told the same.
        self.findings = sorted(set(self.findings), key=lambda finding: finding.rank)

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)
