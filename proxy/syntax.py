"""Syntax: the text of a rule, read into a tree.

Traefik v3's language: matchers with text in back-ticks or double quotes, `&&`
before `||`, `!`, parentheses.  Line breaks are allowed anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any, NoReturn, TypeAlias

from proxy.frozen import frozen
from proxy.matchers import FORMER_NAMES, MATCHERS, BadArgument, MatcherKind
from proxy.option import closest
from proxy.values import short

MOST_CHARACTERS = 65_536  # a thousand host names fit
DEEPEST = 64  # parentheses in parentheses; reading goes a few Python frames deeper with each


class RuleError(ValueError):
    """The rule cannot be read; `position` is where, `str()` what to write instead."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position

    @property
    def in_a_file(self) -> str:
        """The text without the advice about a shell, which no file has passed."""
        return str(self).removesuffix(f" {_EATEN}")

    def pointed(self, rule: str) -> str:
        """The line of the rule with a caret below the place."""
        start = rule.rfind("\n", 0, self.position) + 1
        line = rule[start:].partition("\n")[0]
        column = self.position - start
        left = max(0, column - 60)
        return f"{line[left : left + 100]}\n{' ' * (column - left)}^"


@frozen
class Matcher:
    name: str
    arguments: tuple[str, ...]
    predicate: Callable[[Any], bool] = field(repr=False, compare=False)


@frozen
class Not:
    node: Node


@frozen
class And:
    nodes: tuple[Node, ...]


@frozen
class Or:
    nodes: tuple[Node, ...]


Node: TypeAlias = Matcher | Not | And | Or


@frozen
class Words:
    """The matchers that a text may consist of, and what messages call such a text."""

    kinds: Mapping[str, MatcherKind]
    thing: str
    example: str
    former: Mapping[str, str] = field(default_factory=dict)
    """Names that people still write, and what they are called today."""


RULE = Words(MATCHERS, "rule", "Host(`example.com`)", FORMER_NAMES)


def parse(text: str, words: Words = RULE) -> Node:
    """The tree, or RuleError."""
    if len(text) > MOST_CHARACTERS:
        raise RuleError(f"A {words.thing} has at most {MOST_CHARACTERS} characters.", MOST_CHARACTERS)
    if text[:1] in "\"'" and text[1:] and text[-1] == text[0]:
        instead = (
            f"Leave it out: {words.example}. In a compose file it stands around the whole line or nowhere."
        )
        raise RuleError(f"The {text[0]} at both ends is part of the value. {instead}")
    return _Reader(text, words).read()


@frozen
class _Token:
    kind: str  # name, text, end, or the operator itself
    value: str
    position: int


_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<operator>&&|\|\||[!(),]) | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | `(?P<raw>[^`]*)` | "(?P<quoted>(?:[^"\\\n]|\\.)*)" """,
    re.VERBOSE,
)
_BARE = re.compile(r"[^\s(),`\"'&|!]{1,255}")
_EATEN = "A shell eats back-ticks between double quotes: put the whole label in single quotes."
_ESCAPES = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_STRANGE = {
    "`": "This back-tick has no partner. Text stands between two: {example}.",
    '"': "This quote has no partner. Text stands between two: {example}.",
    "'": "Text stands in back-ticks, not in single quotes: {example}.",
    "&": "Write && for and.",
    "|": "Write || for or.",
}
_OTHER = "Text stands in back-ticks: {example}."


def _tokens(text: str, example: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise RuleError(_STRANGE.get(text[at], _OTHER).format(example=example), at)
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

    def __init__(self, text: str, words: Words) -> None:
        self.text = text
        self.words = words
        self.tokens = _tokens(text, words.example)
        self.next = next(self.tokens)
        self.opened: list[int] = []

    def read(self) -> Node:
        if self.next.kind == "end":
            what = f"The {self.words.thing} is empty. Example: {self.words.example}."
            raise RuleError(what, self.next.position)
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
                self.refuse(f"Text belongs to a matcher: {self.words.example}.")
            case _:
                self.refuse(f"A matcher is missing here, such as {self.words.example}.")
        return Not(node) if negated else node

    def group(self) -> Node:
        if len(self.opened) == DEEPEST:
            self.refuse(f"A {self.words.thing} has at most {DEEPEST} parentheses in one another.")
        self.opened.append(self.take().position)
        node = self.either()
        if self.next.kind != ")":
            raise RuleError("This parenthesis is not closed.", self.opened[-1])
        self.take()
        self.opened.pop()
        return node

    def matcher(self, name: _Token) -> Node:
        kind = self.words.kinds.get(name.value.lower())
        if kind is None:
            raise RuleError(_unknown(name.value, self.words), name.position)
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
                self.refuse(self.bare(kind))
            found.append(self.take())
            if self.next.kind not in (",", ")"):
                self.refuse(f"The parenthesis of {kind.name} is not closed: {kind.example}.")
            if self.next.kind == ",":
                self.take()
        self.take()
        return found

    def bare(self, kind: MatcherKind) -> str:
        """What to write for text without back-ticks, as a shell leaves it that has eaten them."""
        found = _BARE.match(self.text, self.next.position)
        written = f"{kind.name}(`{short(found[0])}`)" if found and kind.most == 1 else kind.example
        return f"Text stands in back-ticks: {written}. {_EATEN}"


def _unknown(name: str, words: Words) -> str:
    known = [kind.name for kind in words.kinds.values()]
    former = words.former.get(name.lower()) or closest(name, known)
    if former:
        return f'There is no matcher "{short(name)}". Did you mean {words.kinds[former.lower()].example}?'
    return f'There is no matcher "{short(name)}". Known: {", ".join(known)}.'


def _check_number(kind: MatcherKind, texts: tuple[str, ...], position: int) -> None:
    if kind.least <= len(texts) <= kind.most:
        return
    if kind.most == 1 and texts:
        several = " || ".join(f"{kind.name}(`{short(text)}`)" for text in texts[:3])
        raise RuleError(f"{kind.name} takes one text. Write {several}{' ...' * (len(texts) > 3)}.", position)
    number = "one text" if kind.most == 1 else "two texts" if kind.least == 2 else "one or two texts"
    eaten = "" if texts else f" {_EATEN}"
    raise RuleError(f"{kind.name} takes {number}: {kind.example}.{eaten}", position)
