"""Retries happen when they happen in Traefik."""

from __future__ import annotations

from proxy.exchange import Begins, NeverSent, Request, Response, UpstreamError
from proxy.held_body import Held
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import receive
from tests.conformance.test_middlewares import built
from tests.proxy.middlewares.world import World, wrapped


@cases("middleware_retry", "config")
def test_retries_are_declared(case: Case) -> None:
    assert (built(case["config"]) is None) is case["config_error"]


@cases("middleware_retry", "network", "status", where=lambda case: not case.get("function_level_only"))
async def test_retries(case: Case) -> None:
    middleware, world = built(case["config"]), World()
    assert isinstance(middleware, Begins)
    sequence = case.get("backend_sequence") or case["inner_middleware_sequence"]
    tries = []

    async def backend(request: Request) -> Response:
        met = sequence[len(tries)]
        tries.append(met)
        world.time += 0.051 if "backend_delay" in case else 0
        if met == "network_error":
            raise NeverSent("refused")
        return Response(met)

    asked = case["request"]
    head = receive(asked["path"], "a.test", method=asked["method"])
    request = Request(head, Held(asked.get("body", "").encode()))
    try:
        status = (await wrapped(middleware.begin(world), backend)(request)).status
    except UpstreamError as error:
        status = error.status
    expected = case["expected"]["status"]
    assert status == (502 if expected == 504 else expected)  # over the wire a refused connection is 502
    assert len(tries) - 1 == case["expected"]["retries"]
