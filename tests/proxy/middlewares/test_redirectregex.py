from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.exchange import RequestHead
from proxy.middlewares.redirectregex import RedirectRegex
from tests.proxy.heads import head
from tests.proxy.middlewares.run import answered, declared, mistakes

WWW = {"regex": r"^https?://www\.(.*)", "replacement": "https://$1"}
ASKED = head("/x?y", "www.a.test", ("Host", "www.a.test"))


@pytest.mark.parametrize(
    ("tree", "request_head", "answer"),
    [
        (WWW, ASKED, (302, "https://a.test/x?y")),
        (WWW | {"permanent": "true"}, ASKED, (301, "https://a.test/x?y")),
        (WWW, replace(ASKED, method="POST"), (307, "https://a.test/x?y")),
        (WWW | {"permanent": "true"}, replace(ASKED, method="POST"), (308, "https://a.test/x?y")),
        ({"regex": ".*", "replacement": "/login"}, ASKED, (302, "/login")),
        ({"regex": "/x", "replacement": "/ü"}, ASKED, (302, "http://www.a.test/%C3%BC?y")),
        ({"regex": ".*", "replacement": "http://a.%31/"}, ASKED, (502, "")),
        ({"regex": ".*", "replacement": "http://a b/"}, ASKED, (502, "")),
        ({"regex": ".*", "replacement": ""}, ASKED, (502, "")),
    ],
)
def test_what_matches_is_redirected(tree: dict[str, str], request_head: RequestHead, answer: object) -> None:
    response = answered(declared(RedirectRegex, tree).on_request(request_head))
    assert (response.status, response.get("Location")) == answer


@pytest.mark.parametrize("tree", [WWW, {"regex": "(.*)", "replacement": "$1"}])
def test_nobody_is_sent_where_he_is(tree: dict[str, str]) -> None:
    request = head("/x", "a.test")
    assert declared(RedirectRegex, tree).on_request(request) is request


def test_a_broken_expression_is_said() -> None:
    assert mistakes(RedirectRegex, {"regex": "^(.*", "replacement": "$1"}) == [
        "This is not a regular expression: missing ): ^(.*."
    ]
