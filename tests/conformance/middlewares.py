"""A middleware's options as the cases write them: Traefik's names, and only what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.option import canonical, is_options, options_of
from tidegate.label_reference import spelled


def told(middleware: Any) -> dict[str, Any]:
    return {spelled(type(middleware).__name__): options_told(middleware)}


def options_told(value: Any) -> dict[str, Any]:
    return {
        opt.name: _plain(found)
        for opt in options_of(type(value)).values()
        if (found := getattr(value, opt.field)) != opt.default
    }


def option_at(middleware: Any, path: Sequence[str]) -> Any:
    """The value of one option, said or not."""
    value = middleware
    for step in path[1:]:
        if isinstance(value, Mapping):
            value = value[step]
        else:
            [field] = [
                o.field for o in options_of(type(value)).values() if canonical(o.name) == canonical(step)
            ]
            value = getattr(value, field)
    return _plain(value)


def _plain(value: Any) -> Any:
    if is_options(type(value)):
        return options_told(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, (bool, int, dict)) or value is None:
        return value
    return float(value) if isinstance(value, float) else str(value)
