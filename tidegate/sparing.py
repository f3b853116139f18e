"""Sparing: a module that a library imports and that is hardly ever used is loaded by its first use."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def later(name: str) -> None:
    """Let this module be loaded by its first use instead of its first import.

    Python's LazyLoader would load it with the second import, which asks a module for its `__spec__`.
    """
    if name in sys.modules:
        return
    stand_in = sys.modules[name] = ModuleType(name)

    def load(attribute: str) -> Any:
        if attribute.startswith("__"):  # the import system looks around
            raise AttributeError(attribute)
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        module = import_module(name)
        stand_in.__dict__.update(module.__dict__)
        return getattr(module, attribute)

    stand_in.__dict__["__getattr__"] = load  # PEP 562
