"""A table of what is loaded when it is asked for."""

from __future__ import annotations

import pytest

from proxy.when_asked import WhenAsked


def test_names_are_known_before_anything_is_loaded() -> None:
    loaded: list[str] = []
    table = WhenAsked(("a", "b", "c"), lambda name: loaded.append(name) or name.upper())
    assert (list(table), len(table), "b" in table, "d" in table) == (["a", "b", "c"], 3, True, False)
    assert table.get("d") is None
    assert loaded == []
    assert (table["b"], loaded) == ("B", ["b"])
    assert dict(table) == {"a": "A", "b": "B", "c": "C"}


def test_a_name_that_is_not_in_it_is_loaded_by_nobody() -> None:
    table: WhenAsked[str] = WhenAsked((), lambda name: pytest.fail(f"{name} was loaded"))
    with pytest.raises(KeyError):
        table["os"]
