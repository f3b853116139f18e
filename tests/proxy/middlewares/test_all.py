from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy import middlewares
from proxy.exchange import Begins, BodyMiddleware, Expands, OnRequest, OnResponse
from proxy.middlewares import MIDDLEWARES
from proxy.option import canonical, is_options, members_of
from proxy.schema import options_of, parse_options, parse_text, reference

ALL = pytest.mark.parametrize("cls", MIDDLEWARES.values(), ids=MIDDLEWARES)


@pytest.mark.parametrize("name", MIDDLEWARES)
def test_names_are_as_labels_are_compared(name: str) -> None:
    assert canonical(name) == name == MIDDLEWARES[name].__name__.lower()


def test_every_file_is_in_the_list() -> None:
    files = {path.stem for path in Path(middlewares.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(MIDDLEWARES) == files


@ALL
def test_every_example_parses(cls: type[Any]) -> None:
    for opt in options_of(cls).values():
        parse_text(opt.type, opt.example)


@ALL
def test_every_option_is_in_the_reference(cls: type[Any]) -> None:
    rows = "\n".join(reference(cls, "m"))
    for opt in options_of(cls).values():
        assert f"`m.{opt.name}" in rows or is_options(members_of(opt.type)[0])


@ALL
def test_it_is_a_middleware(cls: type[Any]) -> None:
    assert any(isinstance(cls, kind) for kind in (OnRequest, OnResponse, BodyMiddleware, Begins, Expands))


# Small on purpose: unbounded trees took hypothesis longer to make than the options to read.
words = st.text(max_size=20)
trees = st.recursive(
    words | st.integers() | st.booleans(),
    lambda inner: st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@ALL
@settings(max_examples=60)
@given(data=st.data())
def test_no_options_raise(cls: type[Any], data: st.DataObject) -> None:
    names = st.sampled_from([opt.name for opt in options_of(cls).values()])
    tree = data.draw(st.dictionaries(names, trees, max_size=5))
    value, flaws = parse_options(cls, tree)
    assert value is None or not flaws
