"""Option: a setting declared once, with its documentation, its example and its default."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache, reduce
from operator import or_
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

from proxy.frozen import frozen, sharing
from proxy.values import has_text_form

T = TypeVar("T")


@frozen
class OptionDoc:
    """All that is known of an option; `name` is how people write it, `field` how Python does."""

    field: str
    name: str
    type: Any
    doc: str
    example: str
    default: Any
    secret: bool

    @property
    def required(self) -> bool:
        return self.default is MISSING


def option(*, doc: str, example: str, default: Any = MISSING, secret: bool = False) -> Any:
    """Declare an option.  The value of a secret one appears in no repr and in no message."""
    metadata = {"option": (doc, example, secret)}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), repr=not secret, metadata=metadata)
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def options(cls: type[T]) -> type[T]:
    """Turn a class body of `option()` fields into a frozen, documented value."""
    return sharing(dataclass(frozen=True, slots=True, kw_only=True, repr=False)(cls))


def options_of(cls: type[Any]) -> Mapping[str, OptionDoc]:
    """The options of a class by their Python names, in the order of declaration."""
    key: Any = cls
    return _options_of(key)


@cache
def _options_of(cls: Any) -> Mapping[str, OptionDoc]:
    hints = get_type_hints(cls)
    found = {}
    for each in fields(cls):
        if "option" in each.metadata:
            doc, example, secret = each.metadata["option"]
            default = each.default if each.default_factory is MISSING else each.default_factory()
            name = label_name(each.name)
            found[each.name] = OptionDoc(each.name, name, hints[each.name], doc, example, default, secret)
    return found


def label_name(python_name: str) -> str:
    """`source_range` as labels spell it: `sourceRange`."""
    first, *rest = python_name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def canonical(name: str) -> str:
    """What two spellings of one option have in common: sourceRange, source-range, SOURCE_RANGE."""
    return name.lower().replace("_", "").replace("-", "")


OTHERS_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("hosts", "hostname", "domain", "domains", "url"), "host"),
    **dict.fromkeys(("password", "users", "user", "login"), "auth"),
    **dict.fromkeys(("https", "ssl"), "tls"),
}
"""What people write who have not looked it up, and our word for it."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    by_canonical = {canonical(each): each for each in known}
    meant = canonical(name[:100])
    ours = OTHERS_WORDS.get(meant, "")
    if ours in by_canonical:
        return by_canonical[ours]
    close = difflib.get_close_matches(meant, by_canonical)
    swapped = (each for each in close if sorted(each) == sorted(meant))  # of equals, letters out of order
    best = next(swapped, None) or next(iter(close), None)
    return None if best is None else by_canonical[best]


def is_options(type_: Any) -> bool:
    return isinstance(type_, type) and is_dataclass(type_) and not has_text_form(type_)


def members_of(type_: Any) -> tuple[Any, ...]:
    """The types a value may have, None aside; addresses and networks count as one type each."""
    if get_origin(type_) not in (Union, UnionType):
        return (type_,)
    members = tuple(each for each in get_args(type_) if each is not NoneType)
    whole = reduce(or_, members)
    return (whole,) if has_text_form(whole) or len(members) == 1 else members


def reference(cls: type, prefix: str) -> Iterator[str]:
    """The reference of the options, one Markdown table row each."""
    for opt in options_of(cls).values():
        name = f"{prefix}.{opt.name}"
        inner = members_of(opt.type)[0]
        if is_options(inner):
            yield from reference(inner, name)
            continue
        if get_origin(inner) is tuple and is_options(get_args(inner)[0]):
            yield from reference(get_args(inner)[0], f"{name}[0]")
            continue
        if get_origin(inner) is dict:
            name += ".<name>"
        cells = (_code(name), opt.doc, _default_cell(opt), _code(opt.example))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    """Markdown's code span; what holds a backtick itself takes two and a space (CommonMark 6.1)."""
    return (f"`` {text} ``" if "`" in text else f"`{text}`") if text else ""


def _default_cell(opt: OptionDoc) -> str:
    if opt.required:
        return "required"
    return "" if opt.default in (None, (), {}, "") else _code(_shown(opt.default))


def _shown(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(_shown, value))
        case dict():
            return ", ".join(f"{key}={_shown(each)}" for key, each in value.items())
    return str(value)
