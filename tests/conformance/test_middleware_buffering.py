"""Buffering keeps to its limits as in Traefik."""

from __future__ import annotations

from proxy.exchange import Begins, Request, Response
from proxy.held_body import Held
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import receive
from tests.conformance.test_middlewares import built
from tests.proxy.middlewares.world import Backend, Pieces, World, wrapped


@cases("middleware_misc", where=lambda case: "buffering" in case["config"])
async def test_buffering(case: Case) -> None:
    middleware = built(case["config"])
    assert isinstance(middleware, Begins)
    app = Backend(Response(200, body=Pieces(b"x" * case["backend"]["body_size"])))
    request = Request(receive("/", "a.test", method="POST"), Held(b"x" * case["request"]["body_size"]))
    answer = await wrapped(middleware.begin(World()), app)(request)
    assert answer.status == case["expected"]["status"]
