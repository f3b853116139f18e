"""Compression is negotiated as in Traefik, and compresses what it compresses there."""

from __future__ import annotations

from typing import Any

from proxy.encoding import choose, parse_accept_encoding
from proxy.exchange import Begins, Request, Response
from proxy.middlewares.compress import Compress
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import receive
from tests.conformance.test_middlewares import built
from tests.proxy.middlewares.world import Backend, World, wrapped


@cases("middleware_compress", "choose_encoding")
def test_negotiation(case: Case) -> None:
    middleware = built(case["config"])
    assert isinstance(middleware, Compress)
    [[_, accept]] = case["request"]["headers"]
    chosen = choose(accept, middleware.encodings, middleware.default_encoding)
    assert chosen == case["expected"]["content_encoding"]


@cases("middleware_compress", "parse_accept_encoding")
def test_accept_encoding(case: Case) -> None:
    parsed = parse_accept_encoding(",".join(case["values"]), case["supported"])
    assert [{"type": each.coding, "weight": each.weight} for each in parsed] == case["expected"]


@cases("middleware_compress", "response", where=lambda case: not case.get("function_level_only"))
async def test_responses(case: Case) -> None:
    middleware, backend, expected = built(case["config"]), case["backend"], case["expected"]
    assert isinstance(middleware, Begins)
    body = backend["body"].encode() if "body" in backend else b"x" * backend["body_size"]
    fields: Any = tuple(map(tuple, backend.get("headers", [])))
    app = Backend(Response(backend["status"], fields, body=body))
    head = receive("/", "a.test", case["request"]["headers"], method=case["request"]["method"])
    answer = await wrapped(middleware.begin(World()), app)(Request(head))
    assert answer.status == expected.get("status", backend["status"])
    assert (answer.get("Content-Encoding") or None) == expected.get("content_encoding")
    if "vary" in expected:
        assert (answer.get("Vary") or None) == expected["vary"]
    if expected.get("body_unchanged"):
        assert answer.body == body
    for name, value in expected.get("upstream", {}).get("headers", {}).items():
        assert app.request.head.get(name) == value
