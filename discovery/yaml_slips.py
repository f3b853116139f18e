"""YAML slips: what the parser says of a file, and for the usual slips what to write instead."""

from __future__ import annotations

import re

import yaml

_KEY_WITHOUT_SPACE = re.compile(
    r"\s*([A-Za-z_][\w.-]*)\s*(?:(:)(?=[^\s/])|=)\s*(.*?)(?=\s+[\w.-]+[:=]\S|\s*$)"
)
_SECRET = re.compile(r"auth|user|pass|secret|token|key|hash|cookie|credential", re.IGNORECASE)
"""More than in labels (`label_text.is_telling`): here are variables' names, too."""
_NEEDS_QUOTES = "*&@`%!"
"""What no plain text may begin with (YAML 1.1, 5.3)."""


def in_words(error: yaml.MarkedYAMLError) -> str:
    said = " ".join(part for part in (error.problem, error.context) if part)
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    if "\\t" in said:
        return f"{said}. Indent with spaces, no tab; line {line}."
    if instead := _quoted(error) or _spaced(error):
        return f"{said}. {instead}"
    if "<block end>" in said or "mapping values are not allowed" in said:
        return f"{said}. Is it indented as the lines beside it, with spaces, no tab? Line {line}."
    return f"{said}."


def with_space(text: str) -> str:
    """What to write for `key:value` or `key=value`, which is one text where a key and its value are meant."""
    found = _KEY_WITHOUT_SPACE.match(text)
    if not found or ": " in found[0]:
        return ""
    name, colon, value = found.groups()
    shown = "..." if _SECRET.search(name) or len(value) > 80 else value
    behind = "with a space behind the colon." if colon else "with a colon and a space for the =."
    return f"Write {name}: {shown}, {behind}"


def _spaced(error: yaml.MarkedYAMLError) -> str:
    """The same of the line where the parser stumbled, or of the one before, where that made them one text."""
    for mark, back in ((error.context_mark, 0), (error.problem_mark, 0), (error.problem_mark, 1)):
        if mark and mark.buffer and mark.line >= back:
            line = mark.buffer.rstrip("\0").splitlines()[mark.line - back : mark.line - back + 1]
            if instead := with_space("".join(line)):
                return f"{instead[:-1]}; line {mark.line - back + 1}."
    return ""


def _quoted(error: yaml.MarkedYAMLError) -> str:
    in_name = error.context in ("while scanning an alias", "while scanning an anchor")
    mark = error.context_mark if in_name else error.problem_mark
    if not mark or not mark.buffer or "undefined alias" in (error.problem or ""):
        return ""
    line = mark.buffer.rstrip("\0").splitlines()[mark.line : mark.line + 1]
    before, value = "".join(line)[: mark.column], "".join(line)[mark.column :]
    if value[:1] not in tuple(_NEEDS_QUOTES):
        return ""
    ends = r"\s+#|[,\]}]" if re.search(r"[\[{]", before) else r"\s+#"
    value = re.split(ends, value)[0].rstrip()
    quote = "'" if '"' in value or "\\" in value else '"'
    return f"A value that begins with {value[0]} needs quotes: {quote}{value}{quote}"
