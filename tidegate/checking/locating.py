"""Locating: the place in a file that a problem of the readers speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from discovery.dialects.traefik_names import DEFINE
from discovery.label_text import ROOT, TRAEFIK
from proxy.frozen import frozen
from proxy.problem import Problem
from proxy.rule import RuleError, parse_rule
from tidegate.checking.finding import Finding
from tidegate.composefile.imagined import Imagined
from tidegate.composefile.nodes import Branch, Leaf, Listing, Node, Place
from tidegate.composefile.service import Label

SETTINGS = "check reads the settings of a file with --config FILE"
_IN_FILE = re.compile(r":([0-9]+)(?:: (.*))?", re.DOTALL)


@frozen
class Spot:
    """Where a problem stands: the label or the value of a route file that it is about."""

    place: Place
    label: Label | None = None
    leaf: Leaf | None = None


@frozen
class Written:
    """A setting as its owner wrote it; `place` is None where that is no file."""

    text: str
    place: Place | None = None


@frozen
class Locator:
    every: Sequence[Imagined]
    files: Mapping[str, Node | None]
    """Route files by the name that problems call them by."""
    settings: Mapping[str, Written] = field(default_factory=dict)

    def setting(self, where: str) -> Written | None:
        return self.settings.get(where.partition("=")[0])

    def spot(self, where: str) -> Spot:
        if (setting := self.setting(where)) and setting.place:
            return Spot(setting.place)
        for name, root in self.files.items():
            if where == name or where.startswith((f"{name}:", f"{name}: ")):
                return _in_file(name, root, where[len(name) :])
        for each in self.every:
            name = each.container.name
            if where == name or where.startswith(f"{name}: "):
                return in_service(each, where[len(name) + 2 :])
        for each in self.every:
            if label := _written(each, where):
                return Spot(label.place, label)
        first = next((each.service.place for each in self.every), None)
        return Spot(first or Place(next(iter(self.files), "-")))

    def finding(self, problem: Problem) -> Finding:
        spot = self.spot(problem.where)
        place, sketch = _pointed(spot, problem.what)
        setting = self.setting(problem.where)
        subject = setting.text if setting else problem.where
        for name in self.files:
            subject = re.sub(f"^{re.escape(name)}:([0-9]+:?)? ?", "", subject)
        what = problem.what + (f" ({SETTINGS})" if DEFINE in problem.what else "")
        return Finding(place, problem.severity, subject, what, problem.consequence, sketch)


def _pointed(spot: Spot, what: str) -> tuple[Place, str]:
    """Exactly where a rule goes wrong, with the rule and a caret; not where the whole label is meant."""
    rule = spot.label.meant if spot.label else spot.leaf.text if spot.leaf else ""
    is_rule = spot.leaf is not None or (spot.label is not None and spot.label.name.lower().endswith(".rule"))
    if is_rule:
        try:
            parse_rule(rule)
        except RuleError as error:
            if error.in_a_file not in what:
                return spot.place, ""
            at = spot.label.spot(error.position) if spot.label else spot.leaf.spot(error.position)  # type: ignore[union-attr]
            return at, error.pointed(rule)
    return spot.place, ""


def in_service(each: Imagined, text: str) -> Spot:
    """The label that the text begins with, else the nearest one, else the service."""
    if label := _written(each, text) or _nearest(each, text.partition("=")[0]):
        return Spot(label.place, label)
    return Spot(each.service.place)


def words(each: Imagined) -> Iterator[Label]:
    yield from each.service.labels.values()
    yield from each.service.environment.values()


def _written(each: Imagined, text: str) -> Label | None:
    fitting = [
        label
        for label in words(each)
        if label.name and (text.startswith(f"{label.name[:200]}=") or text == label.name)
    ]
    return max(fitting, key=lambda label: len(label.name), default=None)


def routing_labels(each: Imagined) -> list[Label]:
    roots = (f"{ROOT}.", f"{TRAEFIK}.", "caddy")
    return [label for label in each.service.labels.values() if label.name.lower().startswith(roots)]


def _nearest(each: Imagined, name: str) -> Label | None:
    """What shares the most steps with a label that is not written, or its last one, as short labels do."""
    wanted = _path(name)
    mine = routing_labels(each)
    if not wanted or not mine:
        return None
    best = max(mine, key=lambda label: _shared(_path(label.name), wanted))
    if _shared(_path(best.name), wanted) > 2:
        return best
    last = [label for label in mine if _path(label.name)[-1:] == wanted[-1:]]
    return (last or [label for label in mine if _path(label.name)[-1:] == ("host",)] or mine)[0]


def _path(name: str) -> tuple[str, ...]:
    steps = tuple(name.lower().split("."))
    return steps[1:] if steps[0] in (ROOT, TRAEFIK) else steps


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _in_file(name: str, root: Node | None, rest: str) -> Spot:
    match = _IN_FILE.fullmatch(rest)
    line, path = (int(match[1]), match[2] or "") if match else (1, rest.lstrip(": "))
    place, leaf = _along(root, path.partition("=")[0].lower().split("."), Place(name, line))
    if match and place.line != line:
        place = Place(name, line)
    return Spot(place, leaf=leaf if path.partition("=")[0].lower().endswith(".rule") else None)


def _along(node: Node | None, path: Sequence[str], place: Place) -> tuple[Place, Leaf | None]:
    """The place of the last key on the path that is there, and the value at its end."""
    if isinstance(node, Branch) and list(node.entries) == [ROOT] and path[:1] != [ROOT]:
        node = node.get(ROOT)
    for number, step in enumerate(path):
        if isinstance(node, Branch):
            key = next((key for key in node.entries if key.lower() == step), None)
            if key is None:
                return place, None
            leaf, node = node.entries[key]
            place = leaf.place
        elif isinstance(node, Listing) and re.fullmatch(r"\[[0-9]+\]", step):
            index = int(step[1:-1])
            if index >= len(node.items):
                return place, None
            node = node.items[index]
            place = node.place
        elif number:
            return place, None
    return place, node if isinstance(node, Leaf) else None
