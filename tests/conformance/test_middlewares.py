"""The three first middlewares do what they do in Traefik."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from proxy.exchange import Middleware, OnRequest, OnResponse, RequestHead, Response, ResponseHead, get
from proxy.headers import to_server
from proxy.ipstrategy import IPStrategy
from proxy.middlewares import MIDDLEWARES
from proxy.model import Server, Service
from proxy.schema import IPNetwork, parse_options, parse_text
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import ALL, CLIENT, receive

NEVER_COMPARED = {"content-length", "content-type", "date", "server", "connection"}
SERVICE, SERVER = Service("s"), Server("c", "10.0.0.2", 80)


def built(config: Mapping[str, Any]) -> Middleware | None:
    ((name, tree),) = config.items()
    value, flaws = parse_options(MIDDLEWARES[name.lower()], tree)
    assert (value is None) == bool(flaws)
    return value


def outcome(middleware: Middleware, head: RequestHead) -> RequestHead | Response:
    return middleware.on_request(head) if isinstance(middleware, OnRequest) else head


@cases("middleware_headers", where=lambda case: not case.get("function_level_only"))
def test_middleware_headers(case: Case) -> None:
    middleware = built(case["config"])
    if case.get("config_error") or "request" not in case:
        assert (middleware is None) is case["config_error"]
        return
    assert isinstance(middleware, OnResponse)
    request, expected = case["request"], case["expected"]
    head = receive(
        request["path"], request.get("host") or "a.test", request["headers"], method=request["method"]
    )
    passed = outcome(middleware, head)
    if isinstance(passed, Response):
        assert passed.status == expected["status"]
        assert_fields(passed, expected)
        return
    assert expected["status"] == 200
    sent = to_server(passed, SERVICE, SERVER)
    for name, value in expected.get("upstream", {}).get("headers", {}).items():
        assert (get(sent, name) or None) == value
    if "host" in expected.get("upstream", {}):
        assert get(sent, "Host") == expected["upstream"]["host"]
    backend = case.get("backend", {})
    answer = ResponseHead(200, tuple((name, value) for name, value in backend.get("headers", [])))
    assert_fields(middleware.on_response(answer, head), expected)


def assert_fields(answer: ResponseHead, expected: Case) -> None:
    if "response_headers_exact" in expected:
        seen = {name: value for name, value in answer.fields if name.lower() not in NEVER_COMPARED}
        wanted = expected["response_headers_exact"]
        assert seen == {name: value for name, value in wanted.items() if name.lower() not in NEVER_COMPARED}
    for name, value in expected.get("response_headers", {}).items():
        assert answer.get(name) == value


@cases("middleware_ip", "ipallowlist")
def test_ipallowlist(case: Case) -> None:
    middleware = built(case["config"])
    if "request" not in case:
        assert (middleware is None) is case["config_error"]
        return
    assert middleware is not None
    client = without_port(case["request"]["remote_addr"])
    passed = outcome(middleware, receive("/", "a.test", client=client))
    assert (passed.status if isinstance(passed, Response) else 200) == case["expected"]["status"]


def without_port(text: str) -> str:
    return text.rpartition(":")[0].strip("[]") if "]" in text or text.count(":") == 1 else text


def has_an_address(case: Case) -> bool:
    return "%" not in case.get("remote_addr", "")


@cases("middleware_ip", "ip_strategy", where=has_an_address)
def test_ip_strategy(case: Case) -> None:
    options = {key: value for key, value in case["strategy"].items() if key != "type"}
    strategy, flaws = parse_options(IPStrategy, options)
    assert strategy is not None, flaws
    client = without_port(case.get("remote_addr", CLIENT))
    chain = case.get("x_forwarded_for")
    head = receive("/", "a.test", [["X-Forwarded-For", chain]] if chain else [], client=client, trusted=ALL)
    address = strategy.client(head)
    if options.get("depth") or options.get("excludedIPs"):
        assert address == (ip_address(case["expected_ip"]) if case["expected_ip"] else None)
    else:
        assert address == ip_address(case["expected_ip"])


@cases("middleware_ip", "ip_checker")
def test_ip_checker(case: Case) -> None:
    networks = parse_text(tuple[IPNetwork, ...], ",".join(case["ranges"]))
    for each in case["addresses"]:
        try:
            address = ip_address(without_port(each["addr"]))
        except ValueError:
            assert not each["expect"]
            continue
        assert any(address in network for network in networks) is each["expect"], each


@cases("middleware_ip", "ip_checker_new")
def test_ip_checker_new(case: Case) -> None:
    assert (built({"ipAllowList": {"sourceRange": case["ranges"]}}) is None) is case["config_error"]


def can_be_declared(case: Case) -> bool:
    return "redirectScheme" in case["config"] and not case.get("function_level_only")


@cases("middleware_redirects", where=can_be_declared)
def test_redirect_scheme(case: Case) -> None:
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
    else:
        assert isinstance(passed, Response)
        assert (passed.status, passed.get("Location")) == (expected["status"], expected["location_on_wire"])
