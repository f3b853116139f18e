"""Syntax: the text of a rule, read into a tree.

Traefik v3's language: matchers with text in back-ticks or double quotes, `&&`
before `||`, `!`, parentheses.  Line breaks are allowed anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

from proxy.matchers import FORMER_NAMES, MATCHERS, BadArgument, MatcherKind, Predicate
from proxy.option import closest
from proxy.values import short

MOST_CHARACTERS = 65_536  # a thousand host names fit
DEEPEST = 64  # parentheses in parentheses; reading goes a few Python frames deeper with each


class RuleError(ValueError):
    """The rule cannot be read; `position` is where, `str()` what to write instead."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position

    def pointed(self, rule: str) -> str:
        """The line of the rule with a caret below the place."""
        start = rule.rfind("\n", 0, self.position) + 1
        line = rule[start:].partition("\n")[0]
        column = self.position - start
        left = max(0, column - 60)
        return f"{line[left : left + 100]}\n{' ' * (column - left)}^"


@dataclass(frozen=True, slots=True)
class Matcher:
    name: str
    arguments: tuple[str, ...]
    predicate: Predicate = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    node: Node


@dataclass(frozen=True, slots=True)
class And:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    nodes: tuple[Node, ...]


Node: TypeAlias = Matcher | Not | And | Or


def parse(text: str) -> Node:
    """The tree, or RuleError."""
    if len(text) > MOST_CHARACTERS:
        raise RuleError(f"A rule has at most {MOST_CHARACTERS} characters.", MOST_CHARACTERS)
    return _Reader(text).read()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # name, text, end, or the operator itself
    value: str
    position: int


_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<operator>&&|\|\||[!(),]) | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | `(?P<raw>[^`]*)` | "(?P<quoted>(?:[^"\\\n]|\\.)*)" """,
    re.VERBOSE,
)
_ESCAPES = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_STRANGE = {
    "`": "This back-tick has no partner. Text stands between two: Host(`example.com`).",
    '"': 'This quote has no partner. Text stands between two: Host("example.com").',
    "'": "Text stands in back-ticks, not in single quotes: Host(`example.com`).",
    "&": "Write && for and.",
    "|": "Write || for or.",
}


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            other = "Text stands in back-ticks: Host(`example.com`)."
            raise RuleError(_STRANGE.get(text[at], other), at)
        match found.lastgroup:
            case "operator":
                yield _Token(found[0], found[0], at)
            case "name":
                yield _Token("name", found[0], at)
            case "raw":
                yield _Token("text", found["raw"].replace("\r", ""), at)
            case "quoted":
                yield _Token("text", _unescape(found["quoted"], at), at)
        at = found.end()
    yield _Token("end", "", at)


def _unescape(quoted: str, at: int) -> str:
    def character(escape: re.Match[str]) -> str:
        two, four, octal, simple = escape.groups()
        if simple is None:
            return chr(int(two or four, 16) if octal is None else int(octal, 8) & 0xFF)
        if simple not in _SIMPLE:
            message = (
                f"Between double quotes \\{simple} means nothing. Use back-ticks: they keep a backslash."
            )
            raise RuleError(message, at + 1 + escape.start())
        return _SIMPLE[simple]

    return _ESCAPES.sub(character, quoted) if "\\" in quoted else quoted


class _Reader:
    """Recursive descent; only parentheses recurse, and no deeper than DEEPEST."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.next = next(self.tokens)
        self.opened: list[int] = []

    def read(self) -> Node:
        if self.next.kind == "end":
            raise RuleError("The rule is empty. Example: Host(`example.com`).", self.next.position)
        tree = self.either()
        if self.next.kind == ")":
            self.refuse("This parenthesis closes nothing.")
        if self.next.kind != "end":
            words = "Write && for and, || for or."
            joins = self.next.value.lower() in ("and", "or")
            self.refuse(words if joins else "Write && (and) or || (or) between two matchers.")
        return tree

    def take(self) -> _Token:
        token, self.next = self.next, next(self.tokens)
        return token

    def refuse(self, message: str) -> NoReturn:
        raise RuleError(message, self.next.position)

    def either(self) -> Node:
        return self.joined("||", lambda: self.joined("&&", self.one, And), Or)

    def joined(self, operator: str, part: Callable[[], Node], kind: type[And | Or]) -> Node:
        nodes = [part()]
        while self.next.kind == operator:
            self.take()
            nodes.append(part())
        return kind(tuple(nodes)) if len(nodes) > 1 else nodes[0]

    def one(self) -> Node:
        negated = False
        while self.next.kind == "!":
            self.take()
            negated = not negated
        match self.next.kind:
            case "(":
                node = self.group()
            case "name":
                node = self.matcher(self.take())
            case "text":
                self.refuse("Text belongs to a matcher: Host(`example.com`).")
            case _:
                self.refuse("A matcher is missing here, such as Host(`example.com`).")
        return Not(node) if negated else node

    def group(self) -> Node:
        if len(self.opened) == DEEPEST:
            self.refuse(f"A rule has at most {DEEPEST} parentheses in one another.")
        self.opened.append(self.take().position)
        node = self.either()
        if self.next.kind != ")":
            raise RuleError("This parenthesis is not closed.", self.opened[-1])
        self.take()
        self.opened.pop()
        return node

    def matcher(self, name: _Token) -> Node:
        kind = MATCHERS.get(name.value.lower())
        if kind is None:
            raise RuleError(_unknown(name.value), name.position)
        arguments = self.arguments(kind)
        texts = tuple(argument.value for argument in arguments)
        _check_number(kind, texts, name.position)
        for argument in arguments:
            if not argument.value:
                raise RuleError(f"{kind.name} takes no empty text: {kind.example}.", argument.position)
        try:
            return Matcher(kind.name, texts, kind.build(*texts))
        except BadArgument as error:
            raise RuleError(str(error), arguments[error.index].position) from None

    def arguments(self, kind: MatcherKind) -> list[_Token]:
        if self.next.kind != "(":
            self.refuse(f"{kind.name} needs its text in parentheses: {kind.example}.")
        self.take()
        found: list[_Token] = []
        while self.next.kind != ")":
            if self.next.kind != "text":
                self.refuse(f"Text in back-ticks is missing here: {kind.example}.")
            found.append(self.take())
            if self.next.kind not in (",", ")"):
                self.refuse(f"The parenthesis of {kind.name} is not closed: {kind.example}.")
            if self.next.kind == ",":
                self.take()
        self.take()
        return found


def _unknown(name: str) -> str:
    former = FORMER_NAMES.get(name.lower()) or closest(name, [kind.name for kind in MATCHERS.values()])
    if former:
        return f'There is no matcher "{short(name)}". Did you mean {MATCHERS[former.lower()].example}?'
    return (
        f'There is no matcher "{short(name)}". Known: {", ".join(kind.name for kind in MATCHERS.values())}.'
    )


def _check_number(kind: MatcherKind, texts: tuple[str, ...], position: int) -> None:
    if kind.least <= len(texts) <= kind.most:
        return
    if kind.most == 1 and texts:
        several = " || ".join(f"{kind.name}(`{short(text)}`)" for text in texts[:3])
        raise RuleError(f"{kind.name} takes one text. Write {several}{' ...' * (len(texts) > 3)}.", position)
    number = "one text" if kind.most == 1 else "two texts" if kind.least == 2 else "one or two texts"
    raise RuleError(f"{kind.name} takes {number}: {kind.example}.", position)
