"""Reference: a name, among a middleware's options, of something that is declared elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar, get_args

from proxy.option import is_options, options_of
from proxy.values import FileName, Unfit

T = TypeVar("T")


class _Name(str):
    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Any:
        if not text:
            raise Unfit("a name", text)
        return cls(text)


class MiddlewareName(_Name):
    """Refers to a middleware."""


class ServiceName(_Name):
    """Refers to a service."""


class TransportName(_Name):
    """Refers to a transport."""


def referred(options: object, kind: type[_Name]) -> Iterator[str]:
    """The names of this kind that the options refer to."""
    for field, several in _references(options, kind):
        value = getattr(options, field)
        yield from value if several else (value,)


def renamed(options: T, kind: type[_Name], rename: Callable[[str], str]) -> T:
    """The options with other names of this kind in the same places."""
    changes: dict[str, Any] = {}
    for field, several in _references(options, kind):
        value = getattr(options, field)
        changes[field] = tuple(kind(rename(each)) for each in value) if several else kind(rename(value))
    return replace(options, **changes) if changes else options  # type: ignore[type-var]


def files_named(options: object) -> Iterator[str]:
    """The files that the options name, at any depth."""
    for field in options_of(type(options)) if is_options(type(options)) else ():
        value = getattr(options, field)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, FileName) and each:
                yield each
            else:
                yield from files_named(each)


def _references(options: object, kind: type[_Name]) -> Iterator[tuple[str, bool]]:
    for opt in options_of(type(options)).values() if is_options(type(options)) else ():
        if opt.type is kind:
            yield opt.field, False
        elif get_args(opt.type)[:1] == (kind,):
            yield opt.field, True
