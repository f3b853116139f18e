"""Template: the rule of containers that have none, written once for all of them.

    Host(`{{ normalize .Name }}.example.com`)

Go's templates, as far as people write them here: `.Name`, `.ContainerName`,
`.Labels`, texts, pipes, parentheses, `if`, `else`, `end`, and the functions of
`template_functions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from discovery.template_functions import FUNCTIONS, TemplateError, truth, written
from proxy.schema import closest
from proxy.values import short

LONGEST, DEEPEST = 4_096, 32
FIELDS = ("Name", "ContainerName", "Labels")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template may speak of: `name` is the app's, `container_name` the container's own."""

    name: str
    container_name: str
    labels: Mapping[str, str] = field(default_factory=dict)


Term: TypeAlias = Callable[[Scope], Any]


class Template(str):
    """A text with `{{ ... }}` in it, read once."""

    __slots__ = ("parts",)

    parts: Sequence[Term]

    @classmethod
    def parse(cls, text: str) -> Template:
        """The template, or ValueError with what to write instead."""
        if len(text) > LONGEST:
            raise TemplateError(f"A template has at most {LONGEST} characters.")
        found = cls(text)
        blocks = list(_blocks(text))
        found.parts, end = _body(blocks, 0, 0)
        if end < len(blocks):
            raise TemplateError(f"There is no if before {{{{ {blocks[end].action} }}}}.")
        return found

    def render(self, scope: Scope) -> str:
        """The text for one container; raises TemplateError where its labels cannot be used so."""
        return "".join(written(part(scope)) for part in self.parts)


class _Block(NamedTuple):
    text: str
    action: str = ""


_ACTION = re.compile(r"\{\{(-(?=\s))?((?:[^\"`}]|\}(?!\})|\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`)*?)((?<=\s)-)?\}\}")


def _blocks(text: str) -> Iterator[_Block]:
    """Texts and the actions between them, in order."""
    at, trimmed = 0, False
    while at < len(text):
        start = text.find("{{", at)
        plain = text[at:] if start < 0 else text[at:start]
        found = _ACTION.match(text, start) if start >= 0 else None
        if start >= 0 and found is None:
            raise TemplateError(f"This is not closed with }}}}: {short(text[start:], 40)}")
        plain = plain.lstrip() if trimmed else plain
        if plain := plain.rstrip() if found and found[1] else plain:
            yield _Block(plain)
        if found is None:
            return
        action = found[2].strip()
        if not (action.startswith("/*") and action.endswith("*/")):
            yield _Block("", action)
        at, trimmed = found.end(), bool(found[3])


def _body(blocks: Sequence[_Block], at: int, depth: int) -> tuple[list[Term], int]:
    """The parts up to an `else` or `end` that belongs to somebody further out."""
    if depth > DEEPEST:
        raise TemplateError(f"A template has at most {DEEPEST} ifs in one another.")
    parts: list[Term] = []
    while at < len(blocks):
        text, action = blocks[at]
        word = action.partition(" ")[0]
        if text:
            parts.append(_constant(text))
            at += 1
        elif word in ("else", "end"):
            break
        elif word == "if":
            branch, at = _branch(blocks, at, depth)
            parts.append(branch)
        else:
            parts.append(_Reader(action).read())
            at += 1
    return parts, at


def _branch(blocks: Sequence[_Block], at: int, depth: int) -> tuple[Term, int]:
    """`if` at this place, with its `else if`, its `else` and its `end`."""
    condition = _Reader(blocks[at].action.partition("if ")[2]).read()
    yes, at = _body(blocks, at + 1, depth + 1)
    otherwise: list[Term] = []
    if at < len(blocks) and re.fullmatch(r"else\s+if\s.*", blocks[at].action, re.DOTALL):
        branch, at = _branch(blocks, at, depth + 1)
        return _either(condition, yes, [branch]), at
    if at < len(blocks) and blocks[at].action == "else":
        otherwise, at = _body(blocks, at + 1, depth + 1)
    if at == len(blocks) or blocks[at].action != "end":
        raise TemplateError("An if has no {{ end }}.")
    return _either(condition, yes, otherwise), at + 1


def _either(condition: Term, yes: Sequence[Term], no: Sequence[Term]) -> Term:
    def branch(scope: Scope) -> str:
        return "".join(written(part(scope)) for part in (yes if truth(condition(scope)) else no))

    return branch


def _constant(value: Any) -> Term:
    return lambda scope: value


_TOKEN = re.compile(
    r"\s*(?:(?P<field>(?:\.[A-Za-z_]\w*)+)|(?P<name>[A-Za-z_]\w*)|(?P<number>-?[0-9]{1,9})"
    r"|\"(?P<text>(?:[^\"\\\n]|\\.)*)\"|`(?P<raw>[^`]*)`|(?P<sign>[|()]))"
)
_SIMPLE = {"n": "\n", "t": "\t", "\\": "\\", '"': '"'}


class _Reader:
    """One action: a pipe of calls."""

    def __init__(self, action: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at, action = 0, action.strip()
        while at < len(action):
            found = _TOKEN.match(action, at)
            if found is None:
                raise TemplateError(f"This cannot be read in a template: {short(action[at:].strip(), 40)}")
            self.tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            at = found.end()
        self.tokens.reverse()

    def read(self) -> Term:
        term = self.pipe(0)
        if self.tokens:
            raise TemplateError(f"This is one too many: {short(self.tokens[-1][1], 40)}")
        return term

    def pipe(self, depth: int) -> Term:
        if depth > DEEPEST:
            raise TemplateError(f"A template has at most {DEEPEST} parentheses in one another.")
        term = self.call(None, depth)
        while self.tokens and self.tokens[-1] == ("sign", "|"):
            self.tokens.pop()
            if not self.tokens or self.tokens[-1][0] != "name":
                raise TemplateError("Behind a | stands a function, such as normalize.")
            term = self.call(term, depth)
        return term

    def call(self, piped: Term | None, depth: int) -> Term:
        """A function with its arguments, what is piped into it last, or a single value."""
        if not self.tokens or self.tokens[-1][0] != "name":
            return self.operand(depth)
        name = self.tokens.pop()[1]
        if name in ("true", "false"):
            return _constant(name == "true")
        arguments: list[Term] = []
        while self.tokens and self.tokens[-1] not in (("sign", "|"), ("sign", ")")):
            arguments.append(self.operand(depth))
        return _called(name, [*arguments, *([piped] if piped else [])])

    def operand(self, depth: int) -> Term:
        if not self.tokens:
            raise TemplateError("Something is missing here, such as {{ .Name }}.")
        kind, text = self.tokens.pop()
        match kind:
            case "field":
                return _field(text)
            case "number":
                return _constant(int(text))
            case "raw":
                return _constant(text)
            case "text":
                return _constant(re.sub(r"\\(.)", lambda found: _SIMPLE.get(found[1], found[0]), text))
            case "name":
                return _called(text, [])
        if text != "(":
            raise TemplateError(f"Something is missing before {text}")
        inner = self.pipe(depth + 1)
        if not self.tokens or self.tokens.pop() != ("sign", ")"):
            raise TemplateError("A parenthesis is not closed.")
        return inner


def _field(text: str) -> Term:
    first, *below = text[1:].split(".")
    if first not in FIELDS or (below and first != "Labels"):
        guess = closest(first, FIELDS)
        hint = f'Did you mean ".{guess}"?' if guess else f"Known: {', '.join(f'.{each}' for each in FIELDS)}."
        raise TemplateError(f'There is no "{short(text, 40)}" here. {hint}')
    label = ".".join(below)
    match first:
        case "Name":
            return lambda scope: scope.name
        case "ContainerName":
            return lambda scope: scope.container_name
    return (lambda scope: scope.labels.get(label, "")) if below else (lambda scope: scope.labels)


def _called(name: str, arguments: Sequence[Term]) -> Term:
    function = FUNCTIONS.get(name)
    if function is None:
        guess = closest(name, FUNCTIONS)
        hint = f'Did you mean "{guess}"?' if guess else f"Known: {', '.join(sorted(FUNCTIONS))}."
        raise TemplateError(f'There is no function "{short(name, 40)}" here. {hint}')
    if not function.least <= len(arguments) <= function.most:
        raise TemplateError(f"{name} is written so: {{{{ {function.example} }}}}.")
    return lambda scope: function.give(*(argument(scope) for argument in arguments))
