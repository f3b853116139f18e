"""What is said of a file that is no YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from discovery.route_file import read_text
from discovery.yaml_tree import BrokenFileError, read_document
from tidegate.composefile.nodes import BrokenYAML, Reader

TAB = "http:\n  routers:\n\t  a: 1\n"
LEFT = "http:\n  routers:\n    a: {rule: x}\n   services: {}\n"
RIGHT = "http:\n  routers: {}\n    services: {}\n"
AS_ITS_NEIGHBOURS = "Is it indented as the lines beside it, with spaces, no tab?"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (TAB, "Indent with spaces, no tab; line 3."),
        (LEFT, f"{AS_ITS_NEIGHBOURS} Line 4."),
        (RIGHT, f"{AS_ITS_NEIGHBOURS} Line 3."),
    ],
)
def test_who_indents_wrongly_is_told_how_beside_the_words_of_the_parser(text: str, advice: str) -> None:
    with pytest.raises(BrokenFileError, match=r"^This is not YAML: [a-z]") as route_file:
        read_document(text)
    with pytest.raises(BrokenYAML) as compose_file:
        Reader("compose.yaml", text).read()
    assert str(route_file.value).endswith(advice)
    assert str(compose_file.value) == str(route_file.value)
    assert f"ine {route_file.value.line}." in advice


def test_other_mistakes_get_no_such_advice() -> None:
    with pytest.raises(BrokenFileError) as error:
        read_document("http: [1, 2")
    assert "indent" not in str(error.value).lower()


def test_a_file_is_told_nothing_of_shells_and_whole_labels(tmp_path: Path) -> None:
    text = "http:\n  routers: {nas: {rule: Host(nas.lan), service: nas}}\n"
    [problem] = read_text(text, str(tmp_path)).problems
    assert problem.what == "Text stands in back-ticks: Host(`nas.lan`)."
