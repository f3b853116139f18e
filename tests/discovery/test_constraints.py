"""Constraints over labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.constraints import Constraints

LABELS = {"zone": "home", "com.docker.compose.project": "demo"}


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", True),
        ("Label(`zone`, `home`)", True),
        ("!Label(`zone`, `home`)", False),
        ("Label(`none`, ``) || Label(`zone`, `work`)", False),
        ("LabelRegex(`com.docker.compose.project`, `^de`) && (label(`zone`, `home`))", True),
    ],
)
def test_a_constraint_is_about_labels(text: str, allowed: bool) -> None:
    if "``" in text:
        with pytest.raises(ValueError, match="takes no empty text"):
            Constraints.parse(text)
    else:
        assert Constraints.parse(text).allow(LABELS) is allowed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Label(`a`)", "Label takes two texts: Label(`zone`, `home`)."),
        ("Lable(`a`, `b`)", 'There is no matcher "Lable". Did you mean Label(`zone`, `home`)?'),
        ("Host(`a`)", 'There is no matcher "Host". Known: Label, LabelRegex.'),
        ("LabelRegex(`a`, `(`)", "This is not a regular expression: missing ): (."),
        ("`a`", "Text belongs to a matcher: Label(`zone`, `home`)."),
    ],
)
def test_a_mistake_in_a_constraint_is_said(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Constraints.parse(text)
    assert str(caught.value) == message


@given(
    st.text(st.sampled_from("Label(Regex`,)!&| \"'\\x"), max_size=40),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5)),
)
def test_any_text_is_a_constraint_or_a_mistake(text: str, labels: dict[str, str]) -> None:
    try:
        assert Constraints.parse(text).allow(labels) in (True, False)
    except ValueError as error:
        assert str(error)
