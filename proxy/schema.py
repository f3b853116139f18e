"""Schema: an option declared once; parsing, messages and documentation come from it.

    @options
    class IPAllowList:
        source_range: tuple[IPNetwork, ...] = option(doc="...", example="192.168.1.0/24")

`parse_options(IPAllowList, tree)` turns label text or YAML values into the
frozen value, or into the flaws that say what to write instead.  What several
options must fulfil together stands in `__post_init__`, as a ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, field
from typing import Any, TypeAlias, TypeVar, cast, get_args, get_origin

from proxy.frozen import frozen
from proxy.option import (
    OptionDoc,
    canonical,
    closest,
    is_options,
    label_name,
    members_of,
    option,
    options,
    options_of,
    reference,
)  # fmt: skip
from proxy.values import ByteSize, Duration, FileName, IPAddress, IPNetwork, Port, Unfit, parse_leaf, quote

__all__ = [
    "ByteSize", "Duration", "FileName", "Flaw", "IPAddress", "IPNetwork", "OptionDoc", "Port", "Tree",
    "Unfit", "canonical", "closest", "label_name", "option", "options", "options_of", "parse_options",
    "parse_text", "quote", "reference",
]  # fmt: skip

T = TypeVar("T")
Tree: TypeAlias = "str | int | float | bool | Sequence[Tree] | Mapping[str, Tree] | None"
"""Labels (every leaf a str) or YAML (typed leaves).  A node with a value and with children keeps its own
value under the empty name: `tls=false` and `tls.resolver=x` are {"tls": {"": "false", "resolver": "x"}}."""

MOST_SUGGESTIONS = 20  # comparing is slow, and whoever has more wrong names has another problem


@frozen
class Flaw:
    """One thing that is wrong: the path below the options' root, and what to write instead."""

    path: tuple[str, ...]
    what: str


def parse_options(cls: type[T], tree: Tree) -> tuple[T | None, tuple[Flaw, ...]]:
    """The options that the tree asks for, or None and everything that is wrong with it.

    None without any flaw means that the tree switches the whole thing off ("false").
    """
    place = _Place()
    value = _read_options(cls, tree, place)
    return (None, tuple(place.flaws)) if place.flaws else (cast("T | None", value), ())


def parse_text(type_: Any, text: str) -> Any:
    """The value of one text, as a flag or a variable has it; raises ValueError with the message."""
    place = _Place()
    value = _read(type_, text, place)
    if place.flaws:
        raise ValueError(place.flaws[0].what)
    return value


@frozen
class _Place:
    """Where the reader is, and the flaws found so far."""

    path: tuple[str, ...] = ()
    example: str = ""
    secret: bool = False
    flaws: list[Flaw] = field(default_factory=list)

    def below(self, name: str, opt: OptionDoc | None = None) -> _Place:
        example = opt.example if opt else self.example
        secret = self.secret or (opt is not None and opt.secret)
        return _Place((*self.path, name), example, secret, self.flaws)

    def wrong(self, error: ValueError | str) -> Any:
        what = str(error)
        if self.secret and isinstance(error, ValueError):
            what = f"Expected {error.expected}." if isinstance(error, Unfit) else "The value cannot be used."
        if self.example and isinstance(error, Unfit):
            what += f" Example: {self.example}"
        self.flaws.append(Flaw(self.path, what))
        return MISSING


def _read(type_: Any, tree: Tree, place: _Place) -> Any:
    """The value, or MISSING after a flaw has been noted."""
    members = members_of(type_)
    if len(members) > 1:
        return _read_either(members, tree, place)
    inner = members[0]
    if is_options(inner):
        value = _read_options(inner, tree, place)
        if value is None and inner is type_:
            return place.wrong("This cannot be switched off.")
        return value
    match get_origin(inner):
        case origin if origin is tuple:
            return _read_list(get_args(inner)[0], tree, place)
        case origin if origin in (dict, Mapping):
            return _read_map(get_args(inner)[1], tree, place)
    try:
        return parse_leaf(inner, tree)
    except ValueError as error:
        return place.wrong(error)


def _read_either(members: tuple[Any, ...], tree: Tree, place: _Place) -> Any:
    """The first of several kinds of leaf that the text fits."""
    expected = []
    for member in members:
        try:
            return parse_leaf(member, tree)
        except Unfit as error:
            expected.append(error.expected)
    return place.wrong(Unfit(" or ".join(dict.fromkeys(expected)), tree))


def _read_list(item: Any, tree: Tree, place: _Place) -> Any:
    match tree:
        case str():
            texts = (part.strip() for part in tree.split(","))
            values = [_read(item, part, place) for part in texts if part]
        case Mapping() if tree and all(re.fullmatch(r"\[[0-9]{1,6}\]", str(key)) for key in tree):
            in_order = sorted(tree.items(), key=lambda entry: int(entry[0][1:-1]))
            values = [_read(item, sub, place.below(key)) for key, sub in in_order]
        case list() | tuple():
            values = [_read(item, sub, place.below(f"[{index}]")) for index, sub in enumerate(tree)]
        case Mapping():
            return place.wrong(Unfit("a list", tree))
        case _:
            values = [_read(item, tree, place)]
    return tuple(values)


def _read_map(item: Any, tree: Tree, place: _Place) -> Any:
    if isinstance(tree, str):
        pairs = [part.partition("=") for part in tree.split(",") if part.strip()]
        if not all(sign and name.strip() for name, sign, _ in pairs):
            return place.wrong(Unfit("names with values, name=value", tree))
        tree = {name.strip(): value.strip() for name, _, value in pairs}
    if not isinstance(tree, Mapping):
        return place.wrong(Unfit("names with values", tree))
    full = {str(key): "" if sub is None else sub for key, sub in tree.items()}
    return {key: _read(item, sub, place.below(key)) for key, sub in full.items()}


def _read_options(cls: type, tree: Tree, place: _Place) -> Any:
    """The instance, None where the tree says "false", MISSING after a flaw."""
    own = tree.get("", True) if isinstance(tree, Mapping) else tree
    match own.strip().lower() if isinstance(own, str) else own:
        case "false" | False:
            return None
        case "" | "true" | True | None:
            given = tree if isinstance(tree, Mapping) else {}
        case _:
            return place.wrong(Unfit("true, false or options below it", own))
    before = len(place.flaws)
    values = _read_given(cls, given, place)
    if len(place.flaws) > before:
        return MISSING
    try:
        return cls(**values)
    except ValueError as error:
        return place.wrong(error)


def _read_given(cls: type, given: Mapping[str, Tree], place: _Place) -> dict[str, Any]:
    known = {canonical(opt.name): opt for opt in options_of(cls).values()}
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    meant: list[str | None] = []
    for key, sub in given.items():
        key = str(key)
        opt = known.get(canonical(key))
        if key == "" or (opt and sub is None and not is_options(members_of(opt.type)[0])):
            continue
        if opt is None:
            names = [each.name for each in known.values()]
            guess = closest(key, names) if len(meant) < MOST_SUGGESTIONS else None
            meant.append(guess)
            place.below(key).wrong(_no_such(key, guess, names))
        elif opt.field in values:
            place.below(key).wrong(f"This is given twice, also as {quote(spelled[opt.field])}.")
        else:
            spelled[opt.field] = key
            values[opt.field] = _read(opt.type, sub, place.below(key, opt))
    for opt in known.values():
        if opt.required and opt.field not in values and opt.name not in meant:
            place.below(opt.name).wrong(f"This is missing. Example: {opt.example}")
    return values


def _no_such(key: str, guess: str | None, known: Sequence[str]) -> str:
    if guess:
        return f'There is no {_named(key)} here. Did you mean "{guess}"?'
    return f"There is no {_named(key)} here. Known: {', '.join(known)}."


def _named(key: str) -> str:
    return '"' + quote(key)[1:-1] + '"'
