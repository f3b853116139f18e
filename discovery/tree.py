"""Tree: the grammar of label names: dots nest, `[n]` numbers, and case does not matter.

`tidegate.http.routers.Blog.rule` is four steps below the root.  The first
spelling in sorted order names a node, so `Blog` and `blog` are one router.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from proxy.frozen import frozen
from proxy.schema import Tree

MOST_STEPS = 24  # far above the deepest option, far below what recursion can bear

MOST_REMEMBERED = 200  # characters

_STEP = re.compile(r"([^\[\]]+)((?:\[[0-9]{1,6}\])*)")


class LabelNameError(ValueError):
    """A label's name does not follow the grammar."""


@frozen
class Node:
    """One step of label names with everything below it; `value` is None where no label ends here."""

    name: str
    value: str | None = None
    children: tuple[Node, ...] = ()

    def child(self, name: str) -> Node | None:
        return next((child for child in self.children if child.name.lower() == name.lower()), None)

    @property
    def tree(self) -> Tree:
        """The same as plain values; a node's own value beside children stands under the empty name."""
        if not self.children:
            return self.value
        own: dict[str, Tree] = {} if self.value is None else {"": self.value}
        return own | {child.name: child.tree for child in self.children}


def steps(label: str) -> tuple[str, ...]:
    """`a.b[0].c` as a, b, [0], c; raises LabelNameError with what is wrong."""
    return _remembered(label) if len(label) < MOST_REMEMBERED else _steps(label)


def _steps(label: str) -> tuple[str, ...]:
    parts = label.split(".")
    if "" in parts:
        raise LabelNameError("There is nothing before, after or between two dots.")
    if len(parts) > MOST_STEPS:
        raise LabelNameError(f"The name has more than {MOST_STEPS} parts.")
    found: list[str] = []
    for part in parts:
        match = _STEP.fullmatch(part)
        if match is None:
            raise LabelNameError(f'"{part[:40]}" is not a name, nor a name with a number such as domains[0].')
        found += [match[1], *re.findall(r"\[[0-9]+\]", match[2])]
    return tuple(found)


_remembered = lru_cache(maxsize=16_384)(
    _steps
)  # each name is looked at twenty times while a container is read


def grow(labels: Mapping[str, str]) -> Node | None:
    """The tree of all labels, None when there are none; raises LabelNameError."""
    if not labels:
        return None
    entries = [(steps(label), labels[label]) for label in sorted(labels)]
    roots = tuple(_nodes(entries))
    if len(roots) > 1:
        raise LabelNameError(f"The labels have several roots: {', '.join(root.name for root in roots)}.")
    return roots[0]


def _nodes(entries: Iterable[tuple[tuple[str, ...], str]]) -> Iterator[Node]:
    below: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    spelled: dict[str, str] = {}
    values: dict[str, str] = {}
    for (first, *rest), value in entries:
        key = first.lower()
        spelled.setdefault(key, first)
        below.setdefault(key, [])
        if rest:
            below[key].append((tuple(rest), value))
        else:
            values.setdefault(key, value)
    for key, name in spelled.items():
        yield Node(name, values.get(key), tuple(_nodes(below[key])))
