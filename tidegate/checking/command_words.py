"""Command words: those of a service's command, each with its place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from proxy.frozen import frozen
from tidegate.composefile.nodes import Leaf, Listing, Node, Place


@frozen
class Word:
    """A word of a command; `known` is False where a variable that nobody sets has a part in it."""

    text: str
    place: Place
    known: bool = True


def words_of(node: Node | None) -> Iterator[Word]:
    """The words of a command, with their places."""
    if isinstance(node, Listing):
        for item in node.items:
            if isinstance(item, Leaf):
                yield Word(item.meant, item.place, _is_known(item))
    elif isinstance(node, Leaf) and node.meant:
        try:
            words = shlex.split(node.meant)
        except ValueError:
            yield Word(node.meant, node.place, known=False)  # a quote that nobody closes
            return
        stand_ins = [name.lower().replace("_", "-") for name, _ in (*node.told.unset, *node.told.demanded)]
        from_here = 0
        for word in words:
            at = node.meant.find(word.partition(" ")[0], from_here)
            from_here = max(at, from_here)
            yield Word(word, _spot(node, from_here), not any(each in word for each in stand_ins))


def _is_known(leaf: Leaf) -> bool:
    return not (leaf.told.unset or leaf.told.demanded or leaf.told.invalid)


def _spot(leaf: Leaf, index: int) -> Place:
    """The place of a character of the text, also where it is folded from several lines."""
    if leaf.start:
        return leaf.spot(index)
    try:
        written_so = Path(leaf.place.file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return leaf.place
    word = re.match(r"\S*", leaf.meant[index:])
    same = re.compile(rf"(?<![\w-]){re.escape(word[0] if word else '')}(?![\w-])")
    begin, end = leaf.span
    places = [found.start() for found in same.finditer(written_so[begin:end])]
    before = len(same.findall(leaf.meant[:index]))
    if before >= len(places):
        return leaf.place
    at = begin + places[before]
    line_begin = written_so.rfind("\n", 0, at) + 1
    return Place(leaf.place.file, written_so.count("\n", 0, at) + 1, at - line_begin + 1)
