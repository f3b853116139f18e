"""Regex: expressions that people write, in time linear in the text; replacements as Go writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from proxy.values import short

_STEP = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))", re.ASCII)

MOST_INSTRUCTIONS = 1_000
"""Linear in the text is not cheap: `(x*)*` three thousand times took 230 ms for the path "/", and one
container's rules are tried on everybody's requests.  At this size that is 1 ms; 300 host names make 81."""


class NotARegex(ValueError):
    """Nobody can read the expression; the text says why."""


@lru_cache(maxsize=1024)  # a new table has nearly all expressions of the one before
def compiled(pattern: str) -> Any:
    """The expression over bytes, as heads are."""
    import re2  # only who writes an expression pays for it

    limits = re2.Options()
    limits.log_errors = False
    try:
        found: Any = re2.compile(pattern.encode("utf-8", "surrogatepass"), limits)
    except re2.error as error:
        reason = error.args[0].decode("latin-1") if isinstance(error.args[0], bytes) else str(error)
        raise NotARegex(f"This is not a regular expression: {short(reason)}.") from None
    if found.programsize > MOST_INSTRUCTIONS:
        raise NotARegex("This regular expression is too large. Split it into several routers.")
    return found


def replaced(pattern: str, replacement: str, text: str) -> str:
    """Every match replaced, as Go's ReplaceAllString does.

    `$1` is `${1}`, `$1x` is `${1x}`: a name is as long as it can be, and one
    that nothing has stands for nothing.
    """
    data, done, shown = text.encode("latin-1"), 0, b""
    for found in _matches(pattern, data):
        shown += data[done : found.start()] + _expanded(replacement, found)
        done = found.end()
    return (shown + data[done:]).decode("latin-1")


def _matches(pattern: str, data: bytes) -> Iterator[Any]:
    """All matches, but for an empty one right behind another."""
    last = -1
    for found in compiled(pattern).finditer(data):
        if found.end() > found.start() or found.start() != last:
            yield found
        last = found.end()


def _expanded(replacement: str, found: Any) -> bytes:
    def value(step: re.Match[str]) -> str:
        if step[1]:
            return "$"
        group: bytes | None = None
        name = step[2] or step[3]
        if name.isdigit():
            group = found.group(int(name)) if int(name) <= len(found.groups()) else None
        elif name.encode() in found.re.groupindex:
            group = found.group(name.encode())
        return (group or b"").decode("latin-1")

    return _STEP.sub(value, replacement.encode("utf-8", "surrogatepass").decode("latin-1")).encode("latin-1")
