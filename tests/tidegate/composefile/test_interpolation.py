"""What compose makes of a `$`."""

from __future__ import annotations

import pytest

from tidegate.composefile.dotenv import read_dotenv
from tidegate.composefile.interpolation import interpolate

KNOWN = {"HOST": "a.test", "EMPTY": "", "OTHER": "b"}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ("$$1", "$1"),
        ("$HOST", "a.test"),
        ("Host(`${HOST}`)", "Host(`a.test`)"),
        ("${GONE:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${GONE:-${HOST}}", "a.test"),
        ("${GONE:-${ALSO:-y}}z", "yz"),
        ("${HOST:+set}", "set"),
        ("${GONE:+set}", ""),
        ("${EMPTY+set}", "set"),
        ("${HOST:?say it}", "a.test"),
        ("$$HOST$HOST", "$HOSTa.test"),
        ("$", "$"),
    ],
)
def test_variables_become_what_they_stand_for(raw: str, text: str) -> None:
    assert interpolate(raw, KNOWN).text == text


@pytest.mark.parametrize("raw", ["$2y$05$x", "a $ b", "${1}", "${HOST", "${HOST/x}", "$"])
def test_compose_refuses_any_other_dollar(raw: str) -> None:
    assert interpolate(raw, KNOWN).invalid


def test_unset_and_demanded_variables_are_known_by_name() -> None:
    told = interpolate("$GONE-${NEEDED:?}", KNOWN)
    assert told.text == "-"
    assert [name for name, _ in told.unset] == ["GONE"]
    assert [name for name, _ in told.demanded] == ["NEEDED"]


@pytest.mark.parametrize(
    ("raw", "cut"),
    [
        ("anna:$apr1$H6uskkkW$IgXL", True),
        ("anna:$2y$05$abc", True),
        ("anna:$$apr1$$H6uskkkW$$IgXL", False),
        ("${USERS}", False),
    ],
)
def test_a_hash_that_is_cut_is_seen(raw: str, cut: bool) -> None:
    assert interpolate(raw, KNOWN).cuts_a_hash is cut


def test_each_character_is_known_to_come_from_somewhere() -> None:
    told = interpolate("a$$b${HOST}c", KNOWN)
    assert told.text == "a$ba.testc"
    assert [told.raw[origin] for origin in told.origins] == list("a$b") + ["$"] * 6 + ["c"]


def test_dotenv_files_are_read_as_compose_reads_them() -> None:
    text = """
    # a comment
    A=1 # one
    export B="two $A\\n"
    C='$A'
    D=${B}x
    E: colon
    HOST=mine
    """
    assert read_dotenv(text, {"HOST": "outside"}) == {
        "A": "1", "B": "two 1\n", "C": "$A", "D": "two 1\nx", "E": "colon", "HOST": "mine",
    }  # fmt: skip
