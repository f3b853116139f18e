from __future__ import annotations

import pytest

from proxy.exchange import Request, Response
from proxy.middlewares.contenttype import ContentType
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared
from tests.proxy.middlewares.world import Backend, Pieces, content, wrapped

JSON = (("Content-Type", "application/json"),)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(200, body=b"Test"), "text/plain; charset=utf-8"),
        (Response(200, body=Pieces(b"  <!doctype html>", b"...")), "text/html; charset=utf-8"),
        (Response(200, body=Pieces(b"\x89PNG\r\n\x1a\n")), "image/png"),
        (Response(200, body=Pieces(b"\x00\x01")), "application/octet-stream"),
        (Response(200, JSON, body=b"Test"), "application/json"),
        (Response(200, body=b""), ""),
        (Response(200, body=Pieces()), ""),
        (Response(200, (("Content-Encoding", "gzip"),), body=b"\x1f\x8b\x08"), ""),
        (Response(304, body=b""), ""),
    ],
)
async def test_what_has_no_type_gets_one(response: Response, kind: str) -> None:
    answer = await wrapped(declared(ContentType, {}), Backend(response))(Request(head()))
    assert answer.get("Content-Type") == kind
    assert await content(answer) == await content(response)


async def test_nobody_waits_for_the_content_of_a_head() -> None:
    body = Pieces(b"Test")
    handler = wrapped(declared(ContentType, {}), Backend(Response(200, body=body)))
    assert (await handler(Request(head(method="HEAD")))).get("Content-Type") == ""
    assert not body.started
