"""Interpolation: what compose makes of `$` in a value, and which character comes from where.

`$$` is one dollar sign, `$NAME` and `${NAME:-default}` are variables, anything
else behind a `$` makes compose refuse the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.frozen import frozen

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])(.*))?", re.DOTALL)
_HASH = re.compile(r"(?<!\$)\$(?:apr1|2[abxy]?|1|5|6|argon2\w*|y)\$")
_GROUP = re.compile(r"(?<!\$)(?:\$\$)*\$(?:\{[0-9]+\}|[0-9])")


@frozen
class Interpolated:
    """The text, and for each of its characters the index in `raw` that it comes from.

    `unset` are variables that nobody sets, `invalid` the places of a `$` that
    compose refuses, `demanded` what `${NAME:?...}` says.
    """

    raw: str
    text: str
    origins: tuple[int, ...]
    unset: tuple[tuple[str, int], ...] = ()
    invalid: tuple[int, ...] = ()
    demanded: tuple[tuple[str, int], ...] = ()

    @property
    def cuts_a_hash(self) -> bool:
        """Whether a password's hash loses its parts."""
        return bool(_HASH.search(self.raw)) and bool(self.unset or self.invalid)

    @property
    def cuts_a_group(self) -> bool:
        """Whether `$1` of a regular expression's replacement is taken for a variable."""
        return bool(_GROUP.search(self.raw)) and bool(self.invalid)


@dataclass(slots=True)
class _Reader:
    raw: str
    variables: Mapping[str, str]
    unset: list[tuple[str, int]] = field(default_factory=list)
    invalid: list[int] = field(default_factory=list)
    demanded: list[tuple[str, int]] = field(default_factory=list)

    def read(self, text: str, start: int) -> list[tuple[str, int]]:
        """Characters with where they come from; `start` is the text's place in the whole."""
        found: list[tuple[str, int]] = []
        at = 0
        while at < len(text):
            if text[at] != "$":
                found.append((text[at], start + at))
                at += 1
            elif text[at : at + 2] == "$$":
                found.append(("$", start + at))
                at += 2
            elif name := _NAME.match(text, at + 1):
                found += [(char, start + at) for char in self.value(name[0], start + at)]
                at = name.end()
            elif (end := _closing(text, at)) and (inner := _BRACED.fullmatch(text, at + 2, end)):
                found += self.braced(inner, start + at, start)
                at = end + 1
            else:
                self.invalid.append(start + at)
                found.append(("$", start + at))
                at += 1
        return found

    def value(self, name: str, at: int) -> str:
        if name not in self.variables:
            self.unset.append((name, at))
        return self.variables.get(name, "")

    def braced(self, inner: re.Match[str], at: int, start: int) -> list[tuple[str, int]]:
        name, operator, rest = inner[1], inner[2] or "", inner[3] or ""
        value = self.variables.get(name)
        there = value is not None and (bool(value) or not operator.startswith(":"))
        match operator.lstrip(":"):
            case "-" if not there:
                return self.read(rest, start + inner.start(3))
            case "+":
                return self.read(rest, start + inner.start(3)) if there else []
            case "?" if not there:
                self.demanded.append((name, at))
                return []
        text = self.value(name, at)
        return [(char, at) for char in text]


def _closing(text: str, at: int) -> int:
    """The index of the brace that closes the one behind the `$`, 0 where there is none."""
    if text[at + 1 : at + 2] != "{":
        return 0
    depth = 0
    for index in range(at + 1, len(text)):
        if text[index] == "{" and text[index - 1] == "$":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    return 0


def interpolate(raw: str, variables: Mapping[str, str]) -> Interpolated:
    if "$" not in raw:
        return Interpolated(raw, raw, tuple(range(len(raw))))
    reader = _Reader(raw, variables)
    found = reader.read(raw, 0)
    return Interpolated(
        raw,
        "".join(char for char, _ in found),
        tuple(origin for _, origin in found),
        tuple(reader.unset),
        tuple(reader.invalid),
        tuple(reader.demanded),
    )
