"""Dotenv: the variables of a `.env` file, as compose reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tidegate.composefile.interpolation import interpolate

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*[=:]\s*(.*)")
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", '\\"': '"', "\\\\": "\\", "\\$": "$$"}


def read_dotenv(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What the file sets; its values may name variables of `environ` and of lines above."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _LINE.fullmatch(line):
            found[match[1]] = _value(match[2].strip(), {**found, **environ})
    return found


def _value(written: str, known: Mapping[str, str]) -> str:
    if written[:1] == "'" and (end := written.find("'", 1)) > 0:
        return written[1:end]
    if quoted := re.match(r'"((?:[^"\\]|\\.)*)"', written):
        plain = re.sub(r"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), quoted[1])
        return interpolate(plain, known).text
    return interpolate(re.sub(r"(^|\s)#.*", "", written).rstrip(), known).text
