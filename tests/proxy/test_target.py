from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.target import BadTarget, _resolved, is_ambiguous, normal_path, normal_target, split_target


@pytest.mark.parametrize(
    ("target", "normal"),
    [
        ("/a/%2e%2e/b", "/b"),
        ("/a/.%2E/b", "/b"),
        ("/%2e%2e/%2e/b", "/b"),
        ("/a/%252e%252e/b", "/a/%252e%252e/b"),  # decoded once, so still a name
        ("/a/..%2fb", "/a/..%2Fb"),
        ("/%7euser/%41", "/~user/A"),
        ("/a//b///c//", "/a/b/c/"),
        ("//evil.test/x", "/evil.test/x"),
        ("/..", "/"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/a/.", "/a/"),
        ("/...", "/..."),
        ("/.well-known/x", "/.well-known/x"),
        ("/a;b=c/..;/d", "/a;b=c/..;/d"),
        ("/a?x=//../%zz", "/a?x=//../%zz"),  # the query is the app's own
        ("/caf\xc3\xa9", "/caf\xc3\xa9"),
    ],
)
def test_a_target_has_one_form(target: str, normal: str) -> None:
    assert normal_target(target) == normal


@pytest.mark.parametrize("path", ["/%", "/%1", "/%g1", "/a%", "/%%41"])
def test_a_broken_escape_is_refused(path: str) -> None:
    with pytest.raises(BadTarget):
        normal_path(path)


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("http://a.test:81/x/../y?z", ("a.test:81", "/y?z")),
        ("HTTPS://a.test", ("a.test", "/")),
        ("http://a.test?x", ("a.test", "/?x")),
        ("*", (None, "*")),
    ],
)
def test_an_absolute_target_is_taken_apart(target: str, parts: tuple[str | None, str]) -> None:
    assert split_target(target) == parts


@pytest.mark.parametrize(
    ("path", "ambiguous"),
    [
        ("/a%2Fb", True), ("/a%5Cb", True), ("/a%00", True), ("/a\\b", True), ("/a/..;/b", True),
        ("/a/..;x=1/b", True), ("/a/.;/b", True), ("/a/..%3B/b", True),
        ("/;/a", True), ("/;x=1/a", True), ("/%3B/a", True), ("/a/;x/../b", True), ("/;jsessionid=1", False),
        ("/a;x=1/b", False), ("/a%20b", False), ("/a%252Fb", False), ("/a...;b", False),
    ],
)  # fmt: skip
def test_what_servers_disagree_about(path: str, ambiguous: bool) -> None:
    assert is_ambiguous(path) is ambiguous


pieces = st.sampled_from(["/", ".", "..", "%2e", "%2E", "%2F", "%25", "%41", "a", "\\", ";", "//", "\xe9"])


@given(st.lists(pieces).map(lambda found: "/" + "".join(found)))
def test_what_is_normal_stays_as_it_is_and_has_nothing_left_to_resolve(path: str) -> None:
    once = normal_target(path)
    assert normal_target(once) == once == normal_path(once)
    assert not {".", ".."} & set(once.split("/"))
    assert once.startswith("/")
    assert "//" not in once


@given(st.text(alphabet="/.%2EaF-", max_size=12).map("/".__add__))
def test_a_path_that_is_not_looked_at_closely_would_come_out_as_it_is(path: str) -> None:
    try:
        assert normal_path(path) == _resolved(path)
    except BadTarget:
        with pytest.raises(BadTarget):
            _resolved(path)
