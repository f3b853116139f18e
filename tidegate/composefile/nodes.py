"""Nodes: a YAML document with its texts as compose sees them, and the place of each.

PyYAML's composer keeps places, and it is there already: nothing is added to
the image for this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from discovery.yaml_slips import in_words
from proxy.frozen import frozen
from tidegate.composefile.interpolation import Interpolated, interpolate

DEEPEST = 60
MOST_NODES = 200_000
_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands; lines and columns begin with 1."""

    file: str
    line: int = 1
    column: int = 1


class BrokenYAML(Exception):
    """It is no YAML that compose reads."""

    def __init__(self, what: str, place: Place) -> None:
        super().__init__(what)
        self.place = place


@frozen
class Leaf:
    """One text; `start` is the column of its first character where it is written in one piece, else 0."""

    place: Place
    told: Interpolated
    start: int = 0
    tag: str = ""
    quoted: bool = False
    span: tuple[int, int] = (0, 0)
    """Where it begins and ends in the file, in characters."""
    meant: str = ""
    """The text where a `$` that compose takes wrongly is one, and each unset variable has its own name."""

    @property
    def text(self) -> str:
        return self.told.text

    def spot(self, index: int) -> Place:
        """The place of one character of the text."""
        if not self.start or not self.told.origins:
            return self.place
        origin = self.told.origins[min(index, len(self.told.origins) - 1)]
        past = max(0, index - len(self.told.origins) + 1)
        return Place(self.place.file, self.place.line, self.start + origin + past)


@frozen
class Listing:
    place: Place
    items: tuple[Node, ...] = ()
    tag: str = ""
    span: tuple[int, int] = (0, 0)
    flow: bool = False


@frozen
class Branch:
    """A mapping; `merged` are the keys that come from elsewhere by `<<`."""

    place: Place
    entries: Mapping[str, tuple[Leaf, Node]] = field(default_factory=dict)
    tag: str = ""
    span: tuple[int, int] = (0, 0)
    flow: bool = False
    merged: frozenset[str] = frozenset()

    def get(self, key: str) -> Node | None:
        found = self.entries.get(key)
        return found[1] if found else None


Node: TypeAlias = Leaf | Listing | Branch


@dataclass(slots=True)
class Reader:
    """Reads one file; `twice` gathers keys that a mapping has twice."""

    file: str
    text: str
    variables: Mapping[str, str] | None = None
    """None where a `$` is nothing special."""
    twice: list[Leaf] = field(default_factory=list)
    count: int = 0

    def read(self) -> Node | None:
        try:
            root = yaml.compose(self.text, Loader=yaml.SafeLoader)
            return None if root is None else self.node(root, 0)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file)
            raise BrokenYAML(f"This is not YAML: {in_words(error)}", place) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise BrokenYAML(
                f"This is not YAML: {' '.join(str(error).split())[:200]}", Place(self.file)
            ) from error

    def place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def node(self, node: yaml.Node, depth: int) -> Node:
        self.count += 1
        if depth > DEEPEST or self.count > MOST_NODES:
            raise BrokenYAML("The file has too many values.", self.place(node))
        span = node.start_mark.index, node.end_mark.index
        if isinstance(node, yaml.ScalarNode):
            return self.leaf(node, key=False)
        if isinstance(node, yaml.SequenceNode):
            items = tuple(self.node(item, depth + 1) for item in node.value)
            return Listing(self.place(node), items, node.tag, span, bool(node.flow_style))
        if not isinstance(node, yaml.MappingNode):
            raise BrokenYAML("This is not YAML that compose reads.", self.place(node))
        return self.branch(node, depth, span)

    def branch(self, node: yaml.MappingNode, depth: int, span: tuple[int, int]) -> Branch:
        own: dict[str, tuple[Leaf, Node]] = {}
        merged: dict[str, tuple[Leaf, Node]] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    found = self.node(each, depth + 1)
                    merged = {**(found.entries if isinstance(found, Branch) else {}), **merged}
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise BrokenYAML("A key is one text.", self.place(key))
            leaf = self.leaf(key, key=True)
            if leaf.text in own:
                self.twice.append(leaf)
            own.setdefault(leaf.text, (leaf, self.node(value, depth + 1)))
        entries = {**own, **{name: each for name, each in merged.items() if name not in own}}
        from_elsewhere = frozenset(merged.keys() - own.keys())
        return Branch(self.place(node), entries, node.tag, span, bool(node.flow_style), from_elsewhere)

    def leaf(self, node: yaml.ScalarNode, *, key: bool) -> Leaf:
        """Keys have no variables; numbers and truths have the text that compose gives them."""
        value = node.value if isinstance(node.value, str) else ""
        begin, end = node.start_mark.index, node.end_mark.index
        written = self.text[begin:end]
        quote = 1 if node.style in ("'", '"') else 0
        literal = written[quote : len(written) - quote] == value and "\n" not in written
        text = value if node.style or key else _as_compose_spells(node.tag, value)
        plain = key or self.variables is None
        told = interpolate("" if plain else text, self.variables or {})
        if plain:
            told = Interpolated(text, text, tuple(range(len(text))))
        start = node.start_mark.column + 1 + quote if literal and text == value else 0
        meant = told.text
        if told.cuts_a_hash or told.cuts_a_group:
            meant = text.replace("$$", "$")
        elif told.unset:
            named = {name: name.lower().replace("_", "-") for name, _ in told.unset}
            meant = interpolate(text, {**(self.variables or {}), **named}).text
        return Leaf(self.place(node), told, start, node.tag, bool(node.style), (begin, end), meant)


def _as_compose_spells(tag: str, value: str) -> str:
    match tag.rpartition(":")[2]:
        case "null":
            return ""
        case "bool" if value.lower() in ("true", "false"):
            return value.lower()
        case "float" if re.fullmatch(r"[-+]?[0-9]+\.[0-9]*", value):
            return f"{float(value):g}" if abs(float(value)) < 1e6 else value
    return value


def texts(node: Node | None) -> Iterator[Leaf]:
    """The leaves of a list, of one value, or the keys of a mapping."""
    match node:
        case Leaf():
            yield node
        case Listing(items=items):
            yield from (item for item in items if isinstance(item, Leaf))
        case Branch(entries=entries):
            yield from (key for key, _ in entries.values())
