"""Template: the rule of containers that have none, written once for all of them.

    Host(`{{ normalize .Name }}.example.com`)

Go's templates, as far as people write them here: `.Name`, `.ContainerName`,
`.Labels`, texts, pipes, parentheses, `if`, `else`, `end`, and the functions of
`template_functions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from discovery.template_action import DEEPEST, Scope, Term, constant, read_action
from discovery.template_functions import TemplateError, truth, written
from proxy.values import short

LONGEST = 4_096


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
            parts.append(constant(text))
            at += 1
        elif word in ("else", "end"):
            break
        elif word == "if":
            branch, at = _branch(blocks, at, depth)
            parts.append(branch)
        else:
            parts.append(read_action(action))
            at += 1
    return parts, at


def _branch(blocks: Sequence[_Block], at: int, depth: int) -> tuple[Term, int]:
    """`if` at this place, with its `else if`, its `else` and its `end`."""
    condition = read_action(blocks[at].action.partition("if ")[2])
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
