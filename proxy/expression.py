"""Expression: conditions such as `NetworkErrorRatio() > 0.5 && Attempts() < 3`, as some options hold them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from proxy.values import short

C = TypeVar("C")
Condition = Callable[[C], bool]
LONGEST, DEEPEST = 1000, 32

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z]\w*)|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|\"(?P<text>[^\"]*)\"|`(?P<raw>[^`]*)`"
    r"|(?P<sign>&&|\|\||[<>=!]=|[<>!(),]))"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class Function(NamedTuple):
    """A word of the language: what it gives of the context, and the numbers it takes."""

    give: Callable[..., Any]
    takes: int = 0
    kind: type = float


class BadExpression(ValueError):
    """The text says what to write instead."""


def parse_expression(text: str, functions: Mapping[str, Function]) -> Condition[Any]:
    if len(text) > LONGEST:
        raise BadExpression(f"An expression has at most {LONGEST} characters.")
    reader: _Reader[Any] = _Reader(_tokens(text), functions)
    condition = reader.either(0)
    if reader.tokens:
        raise BadExpression(f"Write && or || before {short(reader.tokens[0][1])}.")
    return condition


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if not token:
            raise BadExpression(f"Nobody can read this from here: {short(text[at:].strip(), 30)}")
        kind = token.lastgroup or ""
        found.append(("text" if kind == "raw" else kind, token[kind]))
        at = token.end()
    return found


class _Reader(Generic[C]):
    def __init__(self, tokens: list[tuple[str, str]], functions: Mapping[str, Function]) -> None:
        self.tokens = tokens
        self.functions = functions

    def take(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise BadExpression(f"A {sign} is missing.")

    def either(self, depth: int) -> Condition[C]:
        conditions = [self.both(depth)]
        while self.take("||"):
            conditions.append(self.both(depth))
        return lambda context: any(condition(context) for condition in conditions)

    def both(self, depth: int) -> Condition[C]:
        conditions = [self.one(depth)]
        while self.take("&&"):
            conditions.append(self.one(depth))
        return lambda context: all(condition(context) for condition in conditions)

    def one(self, depth: int) -> Condition[C]:
        if depth > DEEPEST:
            raise BadExpression(f"An expression has at most {DEEPEST} parentheses in one another.")
        if self.take("!"):
            condition = self.one(depth + 1)
            return lambda context: not condition(context)
        if self.take("("):
            condition = self.either(depth + 1)
            self.need(")")
            return condition
        return self.comparison()

    def comparison(self) -> Condition[C]:
        function, arguments = self.call()
        sign = self.take(*_COMPARE)
        if sign is None:
            if function.kind is not bool:
                raise BadExpression("A value is compared with another one: NetworkErrorRatio() > 0.5")
            return lambda context: bool(function.give(context, *arguments))
        compare, limit = _COMPARE[sign], self.limit(function)
        return lambda context: compare(function.give(context, *arguments), limit)

    def call(self) -> tuple[Function, list[float]]:
        kind, name = self.tokens.pop(0) if self.tokens else ("", "")
        function = self.functions.get(name) if kind == "name" else None
        if function is None:
            raise BadExpression(f'There is no "{short(name, 30)}" here. Known: {", ".join(self.functions)}.')
        self.need("(")
        arguments: list[float] = []
        while not self.take(")"):
            if arguments:
                self.need(",")
            arguments.append(self.number(name))
        if len(arguments) != function.takes:
            raise BadExpression(f"{name} takes {function.takes or 'no'} numbers.")
        return function, arguments

    def number(self, name: str) -> float:
        if not self.tokens or self.tokens[0][0] != "number":
            raise BadExpression(f"{name} takes numbers only.")
        return float(self.tokens.pop(0)[1])

    def limit(self, function: Function) -> float | str:
        wanted = "text" if function.kind is str else "number"
        if function.kind is bool or not self.tokens or self.tokens[0][0] != wanted:
            raise BadExpression(f"A {wanted} belongs behind the comparison.")
        value = self.tokens.pop(0)[1]
        return value if wanted == "text" else float(value)
