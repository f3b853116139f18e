"""Label text: how labels are shown to their owner, and what of them nobody is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ROOT = "tidegate"
TRAEFIK = "traefik"
PROVIDER = "docker"

_TELLING = re.compile(r"^auth$|authori[sz]ation|cookie|credential|key|passw|secret|token|user", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WrittenLabels:
    """The labels of one container, findable by the place in the tree that they speak of."""

    origin: str
    written: Mapping[tuple[str, ...], tuple[str, str]]
    root: str = ROOT
    provider: str = PROVIDER

    def where(self, path: Sequence[str], *, secret: bool = False) -> str:
        wanted = tuple(step.lower() for step in (ROOT, "http", *path))
        found = self.written.get(wanted) or next(
            (label for key, label in self.written.items() if key[: len(wanted)] == wanted), None
        )
        if found is None:
            return f"{self.origin}: {joined((self.root, 'http', *path))}"
        return shown(self.origin, *found, secret=secret)


def shown(origin: str, label: str, value: str, *, secret: bool = False) -> str:
    """`container: label=value` for a message; what could be a secret is dots."""
    if secret or (_TELLING.search(label.rpartition(".")[2]) and value):
        value = "***"
    text = f"{origin}: {label[:200]}={value if len(value) <= 200 else value[:197] + '...'}"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def joined(path: Sequence[str]) -> str:
    return "".join(step if step.startswith("[") else f".{step}" for step in path)[1:]
