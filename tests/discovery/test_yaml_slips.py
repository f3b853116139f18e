"""What is said of the usual slips in YAML."""

from __future__ import annotations

import pytest
import yaml

from discovery.yaml_slips import in_words, with_space

SPACE = "with a space behind the colon"


def said(text: str) -> str:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        yaml.safe_load(text)
    return in_words(caught.value)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("a: 1\nhost: *.example.com\n", ' A value that begins with * needs quotes: "*.example.com"'),
        ("host: *.a.test, *.b.test  # all\n", ' needs quotes: "*.a.test, *.b.test"'),
        ("{host: *.a.test, port: 80}\n", ' needs quotes: "*.a.test"'),
        ("- *.a.test\n", ' needs quotes: "*.a.test"'),
        ("text: @home\n", ' A value that begins with @ needs quotes: "@home"'),
        ("text: `a`\n", ' needs quotes: "`a`"'),
        ("text: %a\n", ' needs quotes: "%a"'),
        ('text: @"home"\n', " needs quotes: '@\"home\"'"),
        ("host:a.test\nport: 80\n", f" Write host: a.test, {SPACE}; line 1."),
        ("port: 80\nhost:a.test\nimage: x\n", f" Write host: a.test, {SPACE}; line 2."),
        ("host=a.test\nport: 80\n", " Write host: a.test, with a colon and a space for the =; line 1."),
        ("auth:anna:x\nport: 80\n", f" Write auth: ..., {SPACE}; line 1."),
    ],
)
def test_what_to_write_instead_is_said(text: str, instead: str) -> None:
    assert said(text).endswith(instead)


@pytest.mark.parametrize("text", ["a: *b\n", "a: b\n  c: d\n", "a: [1\n", "http://a.test/\nb: c\n"])
def test_of_other_mistakes_it_is_not(text: str) -> None:
    assert "quotes" not in said(text)
    assert "Write" not in said(text)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("tidegate.host:a.test", f"Write tidegate.host: a.test, {SPACE}."),
        ("tidegate.host:a.test tidegate.port:80", f"Write tidegate.host: a.test, {SPACE}."),
        (
            "x.rule=Host(`a`) && Path(`/b`)",
            "Write x.rule: Host(`a`) && Path(`/b`), with a colon and a space for the =.",
        ),
        ("just words", ""),
        ("http://a.test", ""),
    ],
)
def test_a_key_and_its_value_in_one_text(text: str, instead: str) -> None:
    assert with_space(text) == instead
