"""Template action: what stands between `{{` and `}}`, a pipe of values and functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeAlias

from discovery.template_functions import FUNCTIONS, TemplateError
from proxy.frozen import frozen
from proxy.schema import closest
from proxy.values import short

DEEPEST = 32
FIELDS = ("Name", "ContainerName", "Labels")


@frozen
class Scope:
    """What a template may speak of: `name` is the app's, `container_name` the container's own."""

    name: str
    container_name: str
    labels: Mapping[str, str] = field(default_factory=dict)


Term: TypeAlias = Callable[[Scope], Any]


def read_action(text: str) -> Term:
    """The value of the action for a container; raises TemplateError."""
    return _Reader(text).read()


def constant(value: Any) -> Term:
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
            return constant(name == "true")
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
                return constant(int(text))
            case "raw":
                return constant(text)
            case "text":
                return constant(re.sub(r"\\(.)", lambda found: _SIMPLE.get(found[1], found[0]), text))
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
