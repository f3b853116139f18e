"""Problem: a user's mistake as a value, shown to its owner and to nobody else."""

from __future__ import annotations

from typing import Literal

from proxy.frozen import frozen

Severity = Literal["error", "warning", "notice"]


@frozen
class Problem:
    """One mistake, said once: where it stands, what to write instead, what happens now.

    `where` can be pasted into a search of the compose file; for a label it is
    `container: label=value`, for a route file `file:line: option`.  Secrets never
    stand in any of the texts.
    """

    where: str
    what: str
    consequence: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        return "\n  ".join(part for part in (self.where, self.what, self.consequence) if part)
