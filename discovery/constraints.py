"""Constraints: which containers this installation looks at, said by their labels.

    Label(`zone`, `home`) && !LabelRegex(`com.docker.compose.project`, `^test`)

The grammar is that of rules; a label that is not there counts as an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proxy.matchers import MatcherKind, as_bytes, compile_regex
from proxy.rule import RuleError, compile_tree
from proxy.syntax import Words, parse

Labels = Mapping[str, str]


class Constraints(str):
    """An expression over labels; empty for no condition."""

    __slots__ = ("allow",)

    allow: Callable[[Labels], bool]

    @classmethod
    def parse(cls, text: str) -> Constraints:
        """The expression, or ValueError with what to write instead."""
        found = cls(text)
        if not text.strip():
            found.allow = _everything
            return found
        try:
            found.allow = compile_tree(parse(text, WORDS))
        except RuleError as error:
            raise ValueError(str(error)) from None
        return found


def _everything(labels: Labels) -> bool:
    return True


def _label(name: str, value: str) -> Callable[[Labels], bool]:
    return lambda labels: labels.get(name, "") == value


def _label_regex(name: str, pattern: str) -> Callable[[Labels], bool]:
    search = compile_regex(pattern, 1)
    return lambda labels: search(as_bytes(labels.get(name, "")))


WORDS = Words(
    kinds={
        kind.name.lower(): kind
        for kind in (
            MatcherKind("Label", "Label(`zone`, `home`)", 2, 2, _label),
            MatcherKind("LabelRegex", "LabelRegex(`zone`, `^home`)", 2, 2, _label_regex),
        )
    },
    thing="constraint",
    example="Label(`zone`, `home`)",
)
