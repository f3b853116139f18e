"""Servers are chosen, remembered and mirrored as in Traefik."""

from __future__ import annotations

from collections import Counter

import pytest

from proxy.balancer import Balancer
from proxy.balancing import Balanced, SameSite, StickyCookie
from proxy.exchange import NoServer
from proxy.model import Server, Service
from proxy.schema import parse_options, parse_text
from proxy.sticky import Places, cookie_name, cookie_value, set_cookie
from proxy.turns import Turns
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import receive


@cases("load_balancing", "sticky_lookup")
def test_sticky_lookup(case: Case) -> None:
    places = Places(StickyCookie(name=case["cookie_name"]), "s", case["servers"])
    fields = [["Cookie", f"{name}={value}"] for name, value in case["request_cookies"]]
    place, fresh = places.asked_for(receive("/", "a.test", fields))
    expected = case["expected"]
    assert (None if place is None else case["servers"][place]) == expected["server"]
    assert (place is not None and not fresh) is expected["cookie_rewritten"]


@cases("load_balancing", "sticky_cookie")
def test_sticky_cookie(case: Case) -> None:
    cookie, flaws = parse_options(StickyCookie, case["config"]["cookie"])
    assert cookie is not None, flaws
    pair, *attributes = set_cookie(cookie, cookie.name, cookie_value(case["server"])).split("; ")
    expected = case["expected"]
    assert pair == f"{expected['name']}={expected['value']}"
    told = {name: value or True for name, _, value in (each.partition("=") for each in attributes)}
    assert told == {
        name: value if value is True else str(value)
        for name, value in expected.items()
        if name not in ("name", "value")
    }


@cases("load_balancing", "same_site")
def test_same_site(case: Case) -> None:
    assert (parse_text(SameSite, case["value"]) or None) == case["expected_attribute"]


@cases("load_balancing", "cookie_name")
def test_cookie_name(case: Case) -> None:
    assert cookie_name(StickyCookie(name=case["configured"]), case["service"]) == case["expected"]


@cases("load_balancing", "wrr")
def test_weighted_round_robin(case: Case) -> None:
    servers = tuple(Server(name, "10.0.0.1", 80, weight=weight) for name, weight in case["servers"])
    service, balancer = Service("s", servers, how=Balanced()), Balancer()
    for server in servers:
        balancer.judge(service, server, well=server.owner not in case.get("down", ()))
    if case["id"] == "load_balancing/030":
        balancer.judge(service, servers[1], well=False)
        asked(balancer, service, 3)
        balancer.judge(service, servers[1], well=True)
    expected = case["expected"]
    if "status" in expected:
        with pytest.raises(NoServer) as error:
            asked(balancer, service, 1)
        assert error.value.status == expected["status"]
        return
    order = asked(balancer, service, case["requests"])
    if "sequence" in expected:
        assert order == expected["sequence"]
    else:
        assert Counter(order) == {name: count for name, count in expected["counts"].items() if count}


def asked(balancer: Balancer, service: Service, requests: int) -> list[str]:
    head = receive("/", "a.test")
    return [balancer.pick(service, head).server.owner for _ in range(requests)]


@cases("load_balancing", "tcp_wrr")
def test_turns(case: Case) -> None:
    """Turns are turns, whatever is asked."""
    names, weights = list(case["serversWeight"]), list(map(float, case["serversWeight"].values()))
    able, turns = [place for place, weight in enumerate(weights) if weight], Turns(len(weights))
    written = Counter(names[turns.take(able, weights)] for _ in range(case["totalCall"] if able else 0))
    assert written == case["expectedWrite"]
    assert case["totalCall"] - written.total() == case.get("expectedClose", 0)
