from __future__ import annotations

import pytest

from proxy.exchange import Response
from proxy.middlewares.encodedcharacters import EncodedCharacters
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared


@pytest.mark.parametrize("escape", ["%2F", "%2f", "%5C", "%00", "%3B", "%25", "%3F", "%23"])
def test_an_escape_that_is_not_allowed_is_refused(escape: str) -> None:
    outcome = declared(EncodedCharacters, {}).on_request(head(f"/a{escape}b"))
    assert isinstance(outcome, Response)
    assert outcome.status == 400


@pytest.mark.parametrize("target", ["/a/b", "/a%20b", "/a?b=%2F"])
def test_everything_else_passes(target: str) -> None:
    request = head(target)
    assert declared(EncodedCharacters, {}).on_request(request) is request


def test_one_may_be_allowed() -> None:
    options = declared(EncodedCharacters, {"allowEncodedSlash": "true"})
    assert options.on_request(head("/a%2Fb")) == head("/a%2Fb")
    assert isinstance(options.on_request(head("/a%2Fb%25")), Response)
