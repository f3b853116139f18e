"""forwardAuth asks and answers as in Traefik."""

from __future__ import annotations

from typing import Any

from proxy.exchange import Begins, Request, Response, UpstreamError, get
from proxy.held_body import Held
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import ALL, NOBODY, receive
from tests.conformance.test_middlewares import built
from tests.proxy.middlewares.world import Backend, World, content, nobody, wrapped

OURS = {"trailers", "x-forwarded-for", "x-real-ip", "forwarded", "host", "x-forwarded-port", "user-agent"}
"""Always said, or never there in the cases: their requests have no address.  `Trailers` is no field."""


def lines(pairs: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)


def value(fields: Any, name: str) -> Any:
    values = [each for key, each in fields if key.lower() == name.lower()]
    return values if len(values) > 1 else values[0] if values else None


@cases(
    "middleware_forwardauth",
    where=lambda case: "config" in case and not case.get("function_level_only"),
)
async def test_forward_auth(case: Case) -> None:
    options = case["config"]["forwardAuth"]
    if options["address"] == "@AUTH":
        options = {**options, "address": "http://auth.test"}
    middleware = built({"forwardAuth": options})
    assert isinstance(middleware, Begins)
    scripted = case["auth_server"] or {}
    fields = lines(scripted.get("headers", []))
    auth = Backend(Response(scripted.get("status", 200), fields, body=scripted.get("body", "").encode()))
    backend = case.get("backend", {"status": 200})
    answered = Response(200, lines(backend.get("headers", [])), body=backend.get("body", "").encode())
    app, asked = Backend(answered), case["request"]
    head = receive(
        asked["path"],
        asked.get("host") or "a.test",
        asked.get("headers", []),
        method=asked["method"],
        trusted=ALL if options.get("trustForwardHeader") else NOBODY,
    )
    if "X-Forwarded-Prefix" in scripted.get("expect_headers", {}):  # set by stripPrefix: clients cannot
        head = head.with_field("X-Forwarded-Prefix", scripted["expect_headers"]["X-Forwarded-Prefix"])
    world = World(outside=auth if case["auth_server"] else nobody)
    request = Request(head, Held(asked.get("body", "").encode()))
    try:
        answer = await wrapped(middleware.begin(world), app)(request)
    except UpstreamError as error:
        answer = Response(error.status)
    await check_auth(scripted, auth)
    await check_answer(case["expected"], answer, app)


async def check_auth(scripted: Case, auth: Backend) -> None:
    if "expect_calls" in scripted:
        assert len(auth.requests) == scripted["expect_calls"]
    if not auth.requests:
        return
    sent = auth.request
    assert sent.head.method == scripted.get("expect_method", sent.head.method)
    if "expect_body" in scripted:
        assert await content(Response(200, body=sent.body)) == scripted["expect_body"].encode()
    expected = scripted.get("expect_headers", {})
    for name, text in expected.items():
        if not name.startswith("Proxy-"):  # hop by hop (RFC 9110 11.7): nobody behind us gets them
            assert get(sent.head.fields, name) == text, name
    if scripted.get("expect_no_other_headers"):
        assert {name.lower() for name, _ in sent.head.fields} - OURS <= set(map(str.lower, expected))


async def check_answer(expected: Case, answer: Response, app: Backend) -> None:
    assert answer.status == expected.get("status", answer.status)
    if "backend_called" in expected:
        assert bool(app.requests) is expected["backend_called"]
    if "body" in expected:
        assert await content(answer) == expected["body"].encode()
    if "location" in expected:
        assert (answer.get("Location") or None) == expected["location"]
    for name, text in expected.get("response_headers", {}).items():
        if name not in ("Content-Length", "Proxy-Authenticate", "Trailers"):
            assert (answer.get(name) or None) == text
    if "set_cookies" in expected:
        assert [text for name, text in answer.fields if name == "Set-Cookie"] == expected["set_cookies"]
    upstream = expected.get("upstream", {})
    for name, text in upstream.get("headers", {}).items():
        assert value(app.request.head.fields, name) == text
    if "method" in upstream:
        assert app.request.head.method == upstream["method"]


@cases("middleware_forwardauth", "remove_connection_headers")
def test_fields_of_one_hop_go_no_further(case: Case) -> None:
    head = receive("/", "a.test", case["request"]["headers"])
    for name, text in case["expected_headers"].items():
        assert (head.get(name) or None) == text
