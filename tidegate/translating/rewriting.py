"""Rewriting: lines of a compose file replaced in place; all that is not another proxy's stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import yaml

from tidegate.composefile.nodes import Branch, Leaf, Listing, Node
from tidegate.translating.wording import Word

_COMMENT = re.compile(r"\s(#.*)$")


@dataclass(slots=True)
class Sheet:
    """The lines of a file, and what becomes of them."""

    text: str
    replaced: dict[int, list[str]] = field(default_factory=dict)
    """Lines by their number, from 0, and what stands in their place."""
    spans: list[tuple[int, int, str]] = field(default_factory=list)
    """Pieces within lines."""
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.text.split("\n")

    def line_at(self, index: int) -> int:
        return self.text.count("\n", 0, index)

    def written(self) -> str:
        text = self.text
        if self.spans:
            for begin, end, new in sorted(self.spans, reverse=True):
                text = text[:begin] + new + text[end:]
            # Pieces never hold a line break, so that the numbers of lines stay.
        found: list[str] = []
        for number, line in enumerate(text.split("\n")):
            found += self.replaced.get(number, [line])
        return "\n".join(found)

    def last_line(self, node: Node) -> int:
        begin, end = node.span
        return self.line_at(begin + len(self.text[begin:end].rstrip()))

    def drop(self, first: int, last: int, instead: Sequence[str], *, indent: str) -> None:
        """Replace whole lines; a comment at the end of one that goes is kept above."""
        found = _COMMENT.search(self.lines[last]) if not instead else None
        self.replaced[first] = [f"{indent}{found[1]}"] if found else list(instead)
        for number in range(first + 1, last + 1):
            self.replaced[number] = []


def rewrite_labels(sheet: Sheet, node: Branch | Listing, words: Sequence[Word], gone: frozenset[str]) -> None:
    """Put each word where the label stood that it takes the place of."""
    if node.flow:
        _rewrite_flow(sheet, node, words, gone)
        return
    waiting = list(words)
    last = 0, ""
    for name, key, value in entries(node):
        first, end = sheet.line_at(key.span[0]), max(sheet.line_at(key.span[0]), sheet.last_line(value))
        indent = _indent(sheet.lines[first])
        last = end, indent
        if name not in gone:
            continue
        mine = [word for word in waiting if word.instead_of.lower() == name.lower()]
        waiting = [word for word in waiting if word not in mine]
        quote = sheet.text[value.span[0]] if isinstance(value, Leaf) and value.quoted else ""
        lines = [f"{indent}{spelled(word, isinstance(node, Listing), quote)}" for word in mine]
        if lines and (comment := _comment_behind(sheet, value)):
            lines[0] += f"  {comment}"
        sheet.drop(first, end, lines, indent=indent)
    if waiting and node.span:
        number, indent = last
        so_far = sheet.replaced.get(number, [sheet.lines[number]])
        more = [f"{indent}{spelled(word, isinstance(node, Listing), '')}" for word in waiting]
        sheet.replaced[number] = [*so_far, *more]


def _comment_behind(sheet: Sheet, value: Node) -> str:
    """The comment on the line where the value ends."""
    end = sheet.text.find("\n", value.span[1])
    found = re.match(r"[ \t]+(#.*)", sheet.text[value.span[1] : end if end >= 0 else None])
    return found[1] if found else ""


def remove(sheet: Sheet, node: Branch | Listing, gone: Iterable[str]) -> bool:
    """Take entries out; whether any is left."""
    names = set(gone)
    rest = [name for name, _, _ in entries(node) if name not in names]
    if node.flow:
        _rewrite_flow(sheet, node, (), frozenset(names))
        return bool(rest)
    for name, key, value in entries(node):
        if name in names:
            first = sheet.line_at(key.span[0])
            indent = _indent(sheet.lines[first])
            sheet.drop(first, max(first, sheet.last_line(value)), [], indent=indent)
    return bool(rest)


def insert_labels(sheet: Sheet, before: Leaf, words: Sequence[Word]) -> None:
    """A block of labels above a key of the service."""
    number = sheet.line_at(before.span[0])
    indent = _indent(sheet.lines[number])
    block = [f"{indent}labels:", *(f"{indent}  {spelled(word, False, '')}" for word in words)]
    sheet.replaced[number] = [*block, *sheet.replaced.get(number, [sheet.lines[number]])]


def entries(node: Branch | Listing) -> list[tuple[str, Leaf, Node]]:
    if isinstance(node, Branch):
        own = [(name, each) for name, each in node.entries.items() if name not in node.merged]
        return [(name, key, value) for name, (key, value) in own]
    leaves = [item for item in node.items if isinstance(item, Leaf)]
    return [(leaf.text.partition("=")[0], leaf, leaf) for leaf in leaves]


def _rewrite_flow(sheet: Sheet, node: Branch | Listing, words: Sequence[Word], gone: frozenset[str]) -> None:
    kept = [
        sheet.text[key.span[0] : value.span[1]].replace("\n", " ")
        for name, key, value in entries(node)
        if name not in gone
    ]
    listed = isinstance(node, Listing)
    new = [*kept, *(spelled(word, listed, '"', dash=False) for word in words)]
    inner = ", ".join(new)
    begin, end = node.span
    first, last = sheet.line_at(begin), sheet.line_at(end)
    text = f"[{inner}]" if listed else f"{{{inner}}}"
    if first == last:
        sheet.spans.append((begin, end, text))
    else:
        behind = sheet.text.find("\n", end)
        tail = sheet.text[end : behind if behind >= 0 else None]
        sheet.drop(first, last, [f"{_head(sheet, begin)}{text}{tail}"], indent="")


def _head(sheet: Sheet, begin: int) -> str:
    return sheet.text[sheet.text.rfind("\n", 0, begin) + 1 : begin]


def spelled(word: Word, listed: bool, quote: str, *, dash: bool = True) -> str:
    """The label as YAML, with the quotes that the one before had where they do."""
    if listed:
        text = quoted(f"{word.name}={word.value}", quote)
        return f"- {text}" if dash else text
    return f"{quoted(word.name, '')}: {quoted(word.value, quote)}"


def quoted(value: str, quote: str) -> str:
    """YAML for the text: as it is where that is read as the same text, else in quotes."""
    single = "'" + value.replace("'", "''") + "'"
    double = '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    plain = [] if quote else [value]
    if single.count("'") > 2:
        single = double
    for text in (*plain, *((single, double) if quote == "'" else (double, single))):
        if _reads_as(text, value):
            return text
    return double


def _reads_as(text: str, value: str) -> bool:
    """In a block and between brackets alike."""
    if text == value and re.search(r"[,\[\]{}]", text) and re.match(r"[\[{]", text):
        return False
    try:
        return bool(yaml.safe_load(f"k: {text}") == {"k": value})
    except yaml.YAMLError:
        return False


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
