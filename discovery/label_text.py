"""Label text: how labels are shown to their owner, and what of them nobody is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from proxy.frozen import frozen

ROOT = "tidegate"
TRAEFIK = "traefik"
NGINX_PROXY = "nginx-proxy"
CADDY = "caddy"
PROVIDER = "docker"

T = TypeVar("T")

_TELLING = re.compile(r"^auth$|authori[sz]ation|cookie|credential|key|passw|secret|token|user", re.IGNORECASE)


@frozen
class WrittenLabels:
    """The labels of one container, findable by a place in the tree that they speak of, or that is above it.

    `written` is what `first_below` makes of the labels.
    """

    origin: str
    written: Mapping[tuple[str, ...], tuple[str, str]]
    root: str = ROOT
    provider: str = PROVIDER

    def where(self, path: Sequence[str], *, secret: bool = False) -> str:
        below = path if path[:1] == ("tls",) else ("http", *path)
        found = self.written.get(tuple(step.lower() for step in (ROOT, *below)))
        if found is None:
            return f"{self.origin}: {joined((self.root, *below))}"
        return shown(self.origin, *found, secret=secret)


def first_below(places: Mapping[tuple[str, ...], T]) -> dict[tuple[str, ...], T]:
    """What stands at each place, or first below it where nothing does."""
    found = dict(places)
    for path, value in places.items():
        for length in range(1, len(path)):
            found.setdefault(path[:length], value)
    return found


def is_telling(label: str, value: str) -> bool:
    """Whether the value could be a secret, which no message repeats."""
    last = label.rstrip(".").rpartition(".")[2]
    return "PRIVATE KEY" in value or bool(value and _TELLING.search(last))


def shown(origin: str, label: str, value: str, *, secret: bool = False) -> str:
    """`container: label=value` for a message; what could be a secret is dots."""
    if secret or is_telling(label, value):
        value = "***"
    text = f"{origin}: {label[:200]}={value if len(value) <= 200 else value[:197] + '...'}"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def joined(path: Sequence[str]) -> str:
    return "".join(step if step.startswith("[") else f".{step}" for step in path)[1:]
