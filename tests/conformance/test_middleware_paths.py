"""The middlewares about paths and redirects do what they do in Traefik."""

from __future__ import annotations

from proxy.exchange import RequestHead, Response
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import ALL, receive
from tests.conformance.test_middlewares import built, outcome


@cases("middleware_paths", where=lambda case: not case.get("function_level_only"))
def test_paths(case: Case) -> None:
    middleware = built(case["config"])
    if "request" not in case:
        assert (middleware is None) is case["config_error"]
        return
    assert middleware is not None
    passed = outcome(middleware, receive(case["request"]["path"], "a.test"))
    expected = case["expected"]
    if expected["status"] != 200:
        assert isinstance(passed, Response)
        assert passed.status == expected["status"]
        return
    assert isinstance(passed, RequestHead)
    assert passed.target == expected["upstream"]["request_uri"]
    for name, value in expected["upstream"].get("headers", {}).items():
        assert (passed.get(name) or None) == value


def is_by_regex(case: Case) -> bool:
    return "redirectRegex" in case["config"]


@cases("middleware_redirects", where=is_by_regex)
def test_redirect_regex(case: Case) -> None:
    middleware = built(case["config"])
    if case.get("config_error"):
        assert middleware is None
        return
    assert middleware is not None
    request, expected = case["request"], case["expected"]
    head = receive(
        request["path"],
        request["host"],
        request["headers"],
        method=request["method"],
        tls=request["tls"],
        trusted=ALL,
    )
    passed = outcome(middleware, head)
    if expected["status"] == 200:
        assert passed is head
        return
    assert isinstance(passed, Response)
    assert passed.status == expected["status"]
    assert (passed.get("Location") or None) == expected.get("location_on_wire", expected["location"])
