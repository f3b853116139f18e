"""Template functions: what templates may call, with Go's and sprig's names, arguments and meanings."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MANY = 16
LARGEST = 65_536
"""Characters of a text; a template that asks for more is not about host names."""


class TemplateError(ValueError):
    """The template cannot be used; the text says what to write instead."""


class Function(NamedTuple):
    """What a name stands for; a piped value comes last."""

    give: Callable[..., Any]
    least: int
    most: int
    example: str


def written(value: Any) -> str:
    """The value as a template prints it."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int():
            return str(value)
    raise TemplateError('This is no text. One label is written so: {{ index .Labels "host" }}.')


def truth(value: Any) -> bool:
    return bool(value)


def normalize(text: Any) -> str:
    """Everything but letters and digits as one dash, and none at the ends."""
    return re.sub(r"[\W_]+", "-", written(text)).strip("-")


def _index(whole: Any, key: Any) -> Any:
    if isinstance(whole, Mapping):
        return whole.get(written(key), "")
    if isinstance(whole, tuple) and isinstance(key, int) and 0 <= key < len(whole):
        return whole[key]
    raise TemplateError('index is written so: {{ index .Labels "host" }}.')


def _default(instead: Any, value: Any = "") -> Any:
    return value if truth(value) else instead


def _replace(old: Any, new: Any, text: Any) -> str:
    old, new, text = written(old), written(new), written(text)
    if len(new) * (text.count(old) + 1) > LARGEST:
        raise TemplateError(f"A text has at most {LARGEST} characters.")
    return str(text.replace(old, new))


def _items(value: Any) -> tuple[Any, ...]:
    if isinstance(value, tuple):
        return value
    raise TemplateError('This is no list. One comes from {{ splitList "." .Name }}.')


def _last(value: Any) -> Any:
    items = _items(value)
    return items[-1] if items else ""


def _split(separator: Any, text: Any) -> tuple[str, ...]:
    sign = written(separator)
    return tuple(written(text).split(sign)) if sign else tuple(written(text))


def _truncated(length: Any, text: Any) -> str:
    if not isinstance(length, int):
        raise TemplateError("trunc is written so: {{ trunc 20 .Name }}.")
    return written(text)[:length] if length >= 0 else written(text)[length:]


def _of_text(change: Callable[[str], str], name: str) -> Function:
    return Function(lambda text: change(written(text)), 1, 1, f"{name} .Name")


def _of_two(change: Callable[[str, str], Any], name: str) -> Function:
    """A function of a text and of what it is asked about, which sprig puts first."""
    return Function(lambda part, text: change(written(text), written(part)), 2, 2, f'{name} "x" .Name')


def _and(*values: Any) -> Any:
    return next((each for each in values if not truth(each)), values[-1])


def _or(*values: Any) -> Any:
    return next(filter(truth, values), values[-1])


def _coalesce(*values: Any) -> Any:
    return next(filter(truth, values), "")


def _joined(sign: Any, items: Any) -> str:
    return written(sign).join(map(written, _items(items)))


def _first(value: Any) -> Any:
    return next(iter(_items(value)), "")


FUNCTIONS: Mapping[str, Function] = {
    "and": Function(_and, 1, MANY, "and .Name .ContainerName"),
    "coalesce": Function(_coalesce, 1, MANY, 'coalesce (index .Labels "host") .Name'),
    "contains": _of_two(lambda text, part: part in text, "contains"),
    "default": Function(_default, 1, 2, 'index .Labels "host" | default .Name'),
    "eq": Function(operator.eq, 2, 2, 'eq .Name "blog"'),
    "first": Function(_first, 1, 1, 'splitList "." .Name | first'),
    "hasPrefix": _of_two(str.startswith, "hasPrefix"),
    "hasSuffix": _of_two(str.endswith, "hasSuffix"),
    "index": Function(_index, 2, 2, 'index .Labels "host"'),
    "join": Function(_joined, 2, 2, 'splitList "_" .Name | join "-"'),
    "last": Function(_last, 1, 1, 'splitList "." .Name | last'),
    "lower": _of_text(str.lower, "lower"),
    "ne": Function(operator.ne, 2, 2, 'ne .Name "blog"'),
    "normalize": Function(normalize, 1, 1, "normalize .Name"),
    "not": Function(lambda value: not truth(value), 1, 1, 'not (index .Labels "host")'),
    "or": Function(_or, 1, MANY, 'or (index .Labels "host") .Name'),
    "replace": Function(_replace, 3, 3, 'replace "_" "-" .Name'),
    "splitList": Function(_split, 2, 2, 'splitList "." .Name | first'),
    "title": _of_text(str.title, "title"),
    "trim": _of_text(str.strip, "trim"),
    "trimAll": _of_two(lambda text, signs: text.strip(signs), "trimAll"),
    "trimPrefix": _of_two(str.removeprefix, "trimPrefix"),
    "trimSuffix": _of_two(str.removesuffix, "trimSuffix"),
    "trunc": Function(_truncated, 2, 2, "trunc 20 .Name"),
    "upper": _of_text(str.upper, "upper"),
}
