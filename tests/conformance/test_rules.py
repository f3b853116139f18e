"""Rules mean what they mean in Traefik v3."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.exchange import RequestHead
from proxy.matchers import MatcherKind, routing_path
from proxy.model import Router, RoutingConfig, Service
from proxy.rule import RuleError, parse_rule
from proxy.syntax import And, Matcher, Node, Not, Or, Words, parse
from proxy.table import Entrypoint, compile_table
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import CLIENT, receive, receive_url


@cases("rules_http", where=lambda case: case["syntax"] == "v3")
def test_rules_http(case: Case) -> None:
    if case["rule_error"]:
        with pytest.raises(RuleError):
            parse_rule(case["rule"])
        return
    rule = parse_rule(case["rule"])
    for each in case["requests"]:
        if not each.get("function_level_only") and can_be_sent(each):
            assert rule.matches(arrived(each)) is each["expect"], each


def can_be_sent(request: Case) -> bool:
    """An address that is none, or a name in UTF-8, cannot come out of a socket."""
    return request.get("remote_addr") != "1" and request.get("url", "").isascii()


def arrived(request: Case) -> RequestHead:
    if "raw" in request:
        lines = request["raw"].split("\r\n")
        method, target, _ = lines[0].split(" ")
        host = lines[1].removeprefix("Host: ")
        return receive(target, host, method=method)
    client = request.get("remote_addr") or CLIENT
    head = receive_url(request["url"], method=request.get("method", "GET"), client=client)
    return replace(head, fields=tuple((name, value) for name, value in request.get("headers", [])))


@cases("rules_parser")
def test_rules_parser(case: Case) -> None:
    kinds = {
        name: MatcherKind(name, f"{name}(`x`)", 9, 0, lambda *texts: bool) for name in case["known_matchers"]
    }
    words = Words(kinds, "rule", "Host(`a`)")
    expected = case.get("expected_tree", {})
    if case["parse_error"] or "``" in case["rule"]:
        with pytest.raises(RuleError):
            parse(case["rule"], words)
    else:
        assert written(parse(case["rule"], words)) == without_errors(expected)


def without_errors(tree: Case) -> Case:
    """The number of arguments is each matcher's own affair; here every number is right."""
    if "op" in tree:
        return {**tree, "left": without_errors(tree["left"]), "right": without_errors(tree["right"])}
    return {key: value for key, value in tree.items() if key != "argument_error"}


def written(node: Node, negated: bool = False) -> Case:
    """The tree as the cases write it: negation at the leaves, two branches."""
    match node:
        case Matcher(name, texts):
            return {"matcher": name, "not": negated, "values": list(texts)}
        case Not(inner):
            return written(inner, not negated)
        case And((left, right)) | Or((left, right)):
            return {
                "op": "and" if isinstance(node, And) is not negated else "or",
                "left": written(left, negated),
                "right": written(right, negated),
            }
    raise AssertionError(node)


@cases("rules_domains", "http")
def test_rules_domains(case: Case) -> None:
    if case["error"]:
        with pytest.raises(RuleError):
            parse_rule(case["rule"])
    else:
        assert list(parse_rule(case["rule"]).hosts) == case["expected_domains"]


@cases("rules_routing_path")
def test_rules_routing_path(case: Case) -> None:
    assert routing_path(receive(case["raw_path"], "a.test").path) == case["expected_routing_path"]


@cases("rules_priority", "http_priority")
def test_rules_priority(case: Case) -> None:
    routers = {
        each["id"]: Router(each["id"], each["rule"], "s", priority=each["priority"])
        for each in case["routers"]
    }
    table = compile_table(RoutingConfig(routers, {"s": Service("s")}), [Entrypoint("web")])
    route = table.find("web", receive(case["path"], "a.test"))
    assert route is not None
    assert route.name == case["expected_router"]


@cases("rules_priority", "http_default_priority")
def test_rules_default_priority(case: Case) -> None:
    assert parse_rule(case["rule"]).priority == case["expected_priority"]
