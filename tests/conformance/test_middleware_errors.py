"""Pages for errors are what they are in Traefik."""

from __future__ import annotations

from http import HTTPStatus

from proxy.exchange import Begins, Request, Response
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import receive
from tests.conformance.test_middlewares import built
from tests.proxy.middlewares.world import Backend, World, content, wrapped


def text(body: str, status: int) -> bytes:
    return body.replace("@STATUS_TEXT", HTTPStatus(status).phrase).encode()


@cases("middleware_misc", where=lambda case: "errors" in case["config"])
async def test_errors(case: Case) -> None:
    middleware, asked, backend = built(case["config"]), case["request"], case["backend"]
    assert isinstance(middleware, Begins)
    service = Backend(Response(case["error_service"]["status"], body=case["error_service"]["body"].encode()))
    world = World(service=service)
    app = Backend(Response(backend["status"], body=text(backend["body"], backend["status"])))
    request = Request(receive(asked["path"], asked["host"], asked["headers"], method=asked["method"]))
    answer = await wrapped(middleware.begin(world), app)(request)
    expected = case["expected"]
    assert answer.status == expected["status"]
    assert expected.get("body_contains", "").encode() in await content(answer)
    if "error_service_request_uri" in expected:
        assert service.request.head.target == expected["error_service_request_uri"]
    if "error_service_host" in expected:
        assert service.request.head.get("Host") == expected["error_service_host"]
    for name, value in expected.get("error_service_headers", {}).items():
        assert (service.request.head.get(name) or None) == value
