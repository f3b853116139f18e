from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.exchange import RequestHead, Response
from proxy.middlewares.redirectscheme import RedirectScheme
from proxy.schema import parse_options
from tests.proxy.heads import head


def redirected(tree: dict[str, Any], request: RequestHead) -> tuple[int, str] | None:
    options, flaws = parse_options(RedirectScheme, tree)
    assert options is not None, flaws
    outcome = options.on_request(request)
    return (outcome.status, outcome.get("Location")) if isinstance(outcome, Response) else None


HTTP = head("/x?y", "a.test")
HTTPS = replace(HTTP, scheme="https", port=443)


@pytest.mark.parametrize(
    ("tree", "request_head", "answer"),
    [
        ({"scheme": "https"}, HTTP, (302, "https://a.test/x?y")),
        ({"scheme": "https", "permanent": "true"}, HTTP, (301, "https://a.test/x?y")),
        ({"scheme": "https"}, replace(HTTP, method="POST"), (307, "https://a.test/x?y")),
        ({"scheme": "https", "permanent": "true"}, replace(HTTP, method="POST"), (308, "https://a.test/x?y")),
        ({"scheme": "HTTPS", "port": "8443"}, HTTP, (302, "https://a.test:8443/x?y")),
        ({"scheme": "https"}, HTTPS, None),
        ({"scheme": "wss"}, HTTPS, None),
        ({"scheme": "https", "port": "443"}, HTTPS, None),
        ({"scheme": "http"}, HTTPS, (302, "http://a.test/x?y")),
        ({"scheme": "https"}, replace(HTTP, host="::1"), (302, "https://[::1]/x?y")),
        ({"scheme": "https"}, replace(HTTP, host=""), (400, "")),
    ],
)
def test_redirects(tree: dict[str, Any], request_head: RequestHead, answer: tuple[int, str] | None) -> None:
    assert redirected(tree, request_head) == answer


def test_a_scheme_that_is_none_is_refused() -> None:
    _, flaws = parse_options(RedirectScheme, {"scheme": "htps"})
    assert flaws[0].what == "Expected one of http, https, ws, wss, not 'htps'. Example: https"
