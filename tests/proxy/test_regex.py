from __future__ import annotations

import pytest

from proxy.regex import NotARegex, compiled, replaced


@pytest.mark.parametrize(
    ("pattern", "replacement", "text", "expected"),
    [
        ("^/a/(.*)", "/b/$1", "/a/x", "/b/x"),
        ("(a)(b)", "${2}1$1", "ab", "b1a"),
        ("(a)", "$1x", "ab", "b"),  # the name is `1x`, which nothing has
        ("(a)", "$9-$$1", "a", "-$1"),
        ("(?P<who>a+)", "<$who|${who}>", "caa", "c<aa|aa>"),
        ("(.*)", "x$1", "abc", "xabc"),
        ("b*", "-", "abc", "-a-c-"),
        ("(a)|(b)", "[$1$2]", "ab", "[a][b]"),
        ("ü", "ä", "\u00c3\u00bc", "\u00c3\u00a4"),  # heads are text over bytes
        ("a", "$ %", "a", "$ %"),
    ],
)
def test_replacements_are_go_s(pattern: str, replacement: str, text: str, expected: str) -> None:
    assert replaced(pattern, replacement, text) == expected


@pytest.mark.parametrize("pattern", ["^(.*", "(?err)", r"(a)\1"])
def test_what_re2_cannot_read_is_refused(pattern: str) -> None:
    with pytest.raises(NotARegex, match="This is not a regular expression"):
        compiled(pattern)
