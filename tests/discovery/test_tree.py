"""The grammar of label names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.tree import LabelNameError, Node, grow, steps

CASES = Path(__file__).parents[3] / "shared/conformance/traefik/labels_grammar.json"


@pytest.mark.parametrize(
    ("label", "path"),
    [
        ("a", ("a",)),
        ("a.b.c", ("a", "b", "c")),
        ("a.b[0].c", ("a", "b", "[0]", "c")),
        ("a.b[0][1]", ("a", "b", "[0]", "[1]")),
        ("a.X-Forwarded-For", ("a", "X-Forwarded-For")),
    ],
)
def test_steps(label: str, path: tuple[str, ...]) -> None:
    assert steps(label) == path


@pytest.mark.parametrize(
    "label", ["", ".", "a.", ".a", "a..b", "a.[0].b", "a.b[x]", "a.b[0", "a.b]0[", "a." * 30 + "b"]
)
def test_a_name_that_is_none(label: str) -> None:
    with pytest.raises(LabelNameError):
        steps(label)


def test_the_tree_as_plain_values() -> None:
    root = grow({"t.r.Blog.tls": "false", "t.r.Blog.tls.resolver": "x", "t.r.blog.RULE": "Host(`a`)"})
    assert root is not None
    assert root.tree == {"r": {"Blog": {"tls": {"": "false", "resolver": "x"}, "RULE": "Host(`a`)"}}}


@given(st.dictionaries(st.text("abA.[]01", max_size=30), st.text(max_size=3), max_size=6))
def test_any_labels_make_a_tree_or_a_complaint(labels: dict[str, str]) -> None:
    try:
        grow(labels)
    except LabelNameError as error:
        assert str(error)


def shape(node: Node) -> dict[str, Any]:
    own: dict[str, Any] = {"name": node.name}
    if node.value is not None:
        own["value"] = node.value
    if node.children:
        own["children"] = [shape(child) for child in node.children]
    return own


def tree_cases() -> list[Any]:
    if not CASES.exists():
        return [pytest.param(None, marks=pytest.mark.skip(f"the conformance cases are not at {CASES}"))]
    cases = [case for case in json.loads(CASES.read_text())["cases"] if case["kind"] == "tree"]
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("case", tree_cases())
def test_traefiks_trees(case: Mapping[str, Any]) -> None:
    prefixes = tuple(prefix.lower() for prefix in case["filters"])
    labels = {key: value for key, value in case["labels"].items() if key.lower().startswith(prefixes or "")}
    if case.get("error"):
        with pytest.raises(LabelNameError):
            grow(labels)
        return
    root = grow(labels)
    assert (shape(root) if root else None) == case["expected"]
