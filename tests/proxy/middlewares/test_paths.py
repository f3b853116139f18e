"""The middlewares that give the app another path."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.middlewares.addprefix import AddPrefix
from proxy.middlewares.replacepath import ReplacePath
from proxy.middlewares.replacepathregex import ReplacePathRegex
from proxy.middlewares.stripprefix import StripPrefix
from proxy.middlewares.stripprefixregex import StripPrefixRegex
from tests.proxy.heads import head
from tests.proxy.middlewares.run import answered, declared, mistakes, passed

TOLD = {
    StripPrefix: "X-Forwarded-Prefix",
    StripPrefixRegex: "X-Forwarded-Prefix",
    ReplacePath: "X-Replaced-Path",
    ReplacePathRegex: "X-Replaced-Path",
    AddPrefix: "",
}


@pytest.mark.parametrize(
    ("cls", "tree", "asked", "got", "told"),
    [
        (StripPrefix, {"prefixes": "/app"}, "/app/x?q=1", "/x?q=1", "/app"),
        (StripPrefix, {"prefixes": "/app"}, "/app", "/", "/app"),
        (StripPrefix, {"prefixes": "/app"}, "/app?", "/?", "/app"),
        (StripPrefix, {"prefixes": "/x, /app"}, "/app/", "/", "/app"),
        (StripPrefix, {"prefixes": "/app"}, "/other", "/other", ""),
        (StripPrefix, {"prefixes": "/a b"}, "/a%20b/c", "/c", "/a b"),
        (StripPrefix, {"prefixes": "/ü"}, "/%C3%BC/c", "/c", "/%C3%BC"),
        (StripPrefix, {"prefixes": "/app"}, "/app/a%2Fb", "/a%2Fb", "/app"),
        (StripPrefix, {"prefixes": "/app"}, "/ap", "/ap", ""),
        (StripPrefixRegex, {"regex": "/[a-z]+/"}, "/app/x", "/x", "/app/"),
        (StripPrefixRegex, {"regex": "/[a-z]+/"}, "/1/app/x", "/1/app/x", ""),
        (StripPrefixRegex, {"regex": "x*"}, "/app", "/app", ""),
        (AddPrefix, {"prefix": "/app"}, "/x?q", "/app/x?q", ""),
        (AddPrefix, {"prefix": "app"}, "/", "/app/", ""),
        (AddPrefix, {"prefix": "/a b/"}, "/x", "/a%20b/x", ""),
        (ReplacePath, {"path": "/new"}, "/old?q=1", "/new?q=1", "/old"),
        (ReplacePath, {"path": "/é"}, "/old", "/%C3%A9", "/old"),
        (ReplacePathRegex, {"regex": "^/old/(.*)", "replacement": "/new/$1"}, "/old/x", "/new/x", "/old/x"),
        (ReplacePathRegex, {"regex": "^/old/(.*)", "replacement": "/new/$1"}, "/x", "/x", ""),
        (ReplacePathRegex, {"regex": "^/a b$", "replacement": "/c d"}, "/a%20b", "/c%20d", "/a%20b"),
        (ReplacePathRegex, {"regex": "^/foo(.*)", "replacement": "/$1"}, "/foo/x", "/x", "/foo/x"),
        (ReplacePathRegex, {"regex": "^/q", "replacement": "/?x#y"}, "/q", "/%3Fx%23y", "/q"),
    ],
)
def test_the_app_gets_another_path(cls: type[Any], tree: Any, asked: str, got: str, told: str) -> None:
    request = passed(declared(cls, tree).on_request(head(asked)))
    assert request.target == got
    assert request.get(TOLD[cls]) == told


@pytest.mark.parametrize(
    ("cls", "tree", "asked"),
    [
        (StripPrefix, {"prefixes": "/api"}, "/api../admin"),
        (StripPrefix, {"prefixes": "/api"}, "/api..;/admin"),
        (StripPrefix, {"prefixes": "/api"}, "/api..%2Fadmin"),
        (StripPrefixRegex, {"regex": "/api"}, "/api."),
        (ReplacePathRegex, {"regex": "^/foo(.*)", "replacement": "/$1"}, "/foo../bar"),
    ],
)
def test_no_dots_arise_where_something_was_cut(cls: type[Any], tree: Any, asked: str) -> None:
    assert answered(declared(cls, tree).on_request(head(asked))).status == 400


def test_the_app_is_told_of_every_prefix_that_was_cut() -> None:
    once = passed(declared(StripPrefix, {"prefixes": "/a"}).on_request(head("/a/b/c")))
    twice = passed(declared(StripPrefix, {"prefixes": "/b"}).on_request(once))
    assert (twice.target, twice.get("X-Forwarded-Prefix")) == ("/c", "/a, /b")


@pytest.mark.parametrize(
    ("cls", "tree", "what"),
    [
        (AddPrefix, {"prefix": " "}, "prefix is empty. Example: /app"),
        (ReplacePath, {"path": "x"}, "path begins with a slash. Example: /index.html"),
        (ReplacePathRegex, {"regex": "("}, "This is not a regular expression: missing ): (."),
        (
            StripPrefixRegex,
            {"regex": "(?err)"},
            "This is not a regular expression: invalid perl operator: (?e.",
        ),
    ],
)
def test_a_mistake_is_said(cls: type[Any], tree: Any, what: str) -> None:
    assert mistakes(cls, tree) == [what]
