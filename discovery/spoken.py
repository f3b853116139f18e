"""Spoken: what a container's labels say in the one grammar, whichever dialect they are written in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from discovery.label_text import ROOT, TRAEFIK, shown
from discovery.tree import LabelNameError, steps
from proxy.frozen import frozen


@frozen
class LongLabel:
    """A label of the long tree, and the one that it comes from."""

    name: str
    value: str
    written: str

    @property
    def path(self) -> tuple[str, ...]:
        """Its steps below `http`."""
        return steps(self.name)[2:]


@frozen
class Spoken:
    """The long labels, and what stands beside them.

    `name` is that of a router or service which the labels imply.  `asks` says
    that something is missing where no label names requests, `implies` that the
    installation's default rule may name them.  `network_label` and `port_label`
    are what to write to choose one.  `lenient` is what Traefik does: with
    several ports it takes the lowest.
    """

    name: str
    labels: tuple[LongLabel, ...] = ()
    root: str = ROOT
    asks: bool = False
    implies: bool = False
    network_label: str = f"{ROOT}.network"
    port_label: str = f"{ROOT}.port"

    @property
    def lenient(self) -> bool:
        return self.root == TRAEFIK

    def named(self, section: str) -> list[str]:
        """The names that the labels use in a section, in their first spelling."""
        return named(self.labels, section)


def named(labels: tuple[LongLabel, ...], section: str) -> list[str]:
    found: dict[str, str] = {}
    for label in labels:
        path = label.path
        if len(path) > 1 and path[0].lower() == section:
            found.setdefault(path[1].lower(), path[1])
    return list(found.values())


def said(labels: Iterable[LongLabel]) -> dict[str, dict[str, LongLabel]]:
    """What the labels set of each router, by its name and the option's in lower case."""
    found: dict[str, dict[str, LongLabel]] = {}
    for label in labels:
        path = tuple(map(str.lower, label.path))
        if len(path) > 2 and path[0] == "routers":
            found.setdefault(path[1], {}).setdefault(path[2], label)
    return found


def element_name(app: str) -> str:
    """The app's name as a step of a label: a dot would begin the next step."""
    return re.sub(r"[.\[\]@\s]+", "-", app)


def misnamed(origin: str, labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where and what: labels that do not follow the grammar, or are there twice but for their case."""
    seen: dict[tuple[str, ...], str] = {}
    found = []
    for label in sorted(labels):
        where = shown(origin, label, labels[label])
        try:
            path = tuple(step.lower() for step in steps(label))
        except LabelNameError as error:
            found.append((where, str(error)))
            continue
        if path in seen:
            found.append((where, f"The same label is there as {seen[path][:200]}."))
        seen[path] = label
    return found
