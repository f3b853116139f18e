from __future__ import annotations

from collections import Counter
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from proxy.balancer import Balancer
from proxy.balancing import (
    Balanced,
    HashKey,
    HealthCheck,
    PassiveHealthCheck,
    Sticky,
    StickyCookie,
    Strategy,
)
from proxy.composite import Composites
from proxy.exchange import NoServer, RequestHead, ResponseHead, TimedOut
from proxy.model import Failover, Part, Server, Service, Weighted
from proxy.pages import DOWN, STARTING
from proxy.pick import Pick
from proxy.values import Duration


def service(*weights: int, name: str = "s") -> Service:
    servers = (Server(chr(97 + n), f"10.0.0.{n + 1}", 80, weight=weight) for n, weight in enumerate(weights))
    return Service(name, tuple(servers))


def owners(balancer: Balancer, of: Service, turns: int) -> str:
    return "".join(balancer.choose(of).owner for _ in range(turns))


@pytest.mark.parametrize(
    ("weights", "order"),
    [
        ((1,), "aaa"),
        ((1, 1, 1), "abcabc"),
        ((5, 1, 1), "aaaabca"),
        ((3, 1), "aabaaaba"),
        ((0, 1), "bbb"),
    ],
)
def test_servers_take_turns_by_weight(weights: tuple[int, ...], order: str) -> None:
    assert owners(Balancer(), service(*weights), len(order)) == order


def test_over_many_turns_the_shares_are_the_weights() -> None:
    assert Counter(owners(Balancer(), service(5, 2, 3), 1_000)) == {"a": 500, "b": 200, "c": 300}


def test_a_server_that_has_just_failed_is_left_out() -> None:
    balancer, of = Balancer(), service(1, 1, 1)
    first = balancer.choose(of)
    assert balancer.choose(of, excluding=(first,)) != first
    with pytest.raises(NoServer):
        balancer.choose(of, excluding=of.servers)


@pytest.mark.parametrize("weights", [(), (0,), (-1,)])
def test_a_service_without_a_server_says_so(weights: tuple[int, ...]) -> None:
    with pytest.raises(NoServer):
        Balancer().choose(service(*weights))


def test_the_turns_survive_a_new_table() -> None:
    balancer = Balancer()
    assert owners(balancer, service(1, 1, 1), 2) == "ab"
    assert owners(balancer, service(1, 1, 1), 1) == "c"
    assert owners(balancer, service(1, 1), 2) in ("ab", "ba")


def test_services_have_turns_of_their_own() -> None:
    balancer = Balancer()
    assert owners(balancer, service(1, 1), 1) + owners(balancer, service(1, 1, name="t"), 1) == "aa"


def test_services_that_are_gone_are_forgotten() -> None:
    balancer = Balancer()
    owners(balancer, service(1, 1), 1)
    balancer.retain({"t": Service("t")})
    assert owners(balancer, service(1, 1), 1) == "a"


# Where the request or the servers decide


def head(client: str = "192.0.2.1", *fields: tuple[str, str]) -> RequestHead:
    return RequestHead("GET", "/", fields, "a.test", ip_address(client))


def balanced(strategy: str, *weights: int, **options: Any) -> Service:
    return replace(service(*weights), how=Balanced(strategy=Strategy(strategy), **options))


def picked(balancer: Balancer, of: Service, turns: int = 1, *, by: RequestHead | None = None) -> str:
    return "".join(balancer.pick(of, by or head()).server.owner for _ in range(turns))


def test_the_least_busy_is_asked_and_weight_counts() -> None:
    busy = {"a": 3, "b": 1, "c": 2}
    balancer = Balancer(lambda server: busy[server.owner])
    assert picked(balancer, balanced("leastconn", 1, 1, 1)) == "b"
    assert picked(balancer, balanced("leastconn", 4, 1, 1)) == "a"
    busy |= dict.fromkeys("abc", 0)
    assert Counter(picked(balancer, balanced("leastconn", 1, 1, 1), 30)) == {"a": 10, "b": 10, "c": 10}


def test_of_two_by_chance_the_less_busy_is_asked() -> None:
    busy = {"a": 0, "b": 1, "c": 9}
    balancer = Balancer(lambda server: busy[server.owner])
    counts = Counter(picked(balancer, balanced("p2c", 1, 1, 1), 300))
    assert counts["c"] == 0
    assert counts["a"] > counts["b"] > 0


def test_one_address_is_always_served_by_the_same_server() -> None:
    balancer, of = Balancer(), balanced("hrw", 1, 1, 1, 1)
    visitors = [head(f"10.1.{n // 250}.{n % 250}") for n in range(1000)]
    first = [picked(balancer, of, by=each) for each in visitors]
    assert first == [picked(Balancer(), of, by=each) for each in visitors]
    assert all(200 < count < 300 for count in Counter(first).values())
    fewer = replace(of, servers=of.servers[:3])
    moved = [
        before
        for before, each in zip(first, visitors, strict=True)
        if picked(balancer, fewer, by=each) != before
    ]
    assert set(moved) == {"d"}  # only those whose server has gone


def test_a_field_or_a_cookie_can_decide_and_without_it_servers_take_turns() -> None:
    by_user = balanced("hrw", 1, 1, 1, hash_by=HashKey("header:X-User"))
    by_cookie = balanced("hrw", 1, 1, 1, hash_by=HashKey("cookie:user"))
    for of, name, value in ((by_user, "x-user", "{}"), (by_cookie, "Cookie", "a=b; user={}")):
        users = [picked(Balancer(), of, by=head("192.0.2.1", (name, value.format(n)))) for n in range(30)]
        assert set(users) == set("abc")
        again = [picked(Balancer(), of, by=head("192.0.2.9", (name, value.format(n)))) for n in range(30)]
        assert users == again
        assert picked(Balancer(), of, 6) == "abcabc"


def test_weights_are_shares_of_the_hashes() -> None:
    of = balanced("hrw", 3, 1)
    counts = Counter(picked(Balancer(), of, by=head(f"10.2.{n // 250}.{n % 250}")) for n in range(2000))
    assert 1400 < counts["a"] < 1600


def test_the_quickest_is_asked_most() -> None:
    now = [0.0]
    balancer, of = Balancer(now=lambda: now[0]), balanced("leasttime", 1, 1)
    order = ""
    for _ in range(20):
        pick = balancer.pick(of, head())
        now[0] += 0.01 if pick.server.owner == "a" else 0.2
        [step] = pick.steps
        step.on_response(ResponseHead(200), head())
        order += pick.server.owner
    assert order == "ab" + 18 * "a"


def test_a_visitor_stays_where_he_was_while_the_server_is_well() -> None:
    balancer, of = Balancer(), balanced("wrr", 1, 1, 1, sticky=Sticky())
    first = balancer.pick(of, head())
    cookie = set_by(first).partition(";")[0]
    stays = head("192.0.2.1", ("Cookie", cookie))
    for _ in range(5):
        again = balancer.pick(of, stays)
        assert (again.server, again.steps) == (first.server, ())
    balancer.judge(of, first.server, False)
    other = balancer.pick(of, stays)
    assert other.server != first.server
    assert set_by(other).partition(";")[0] != cookie


def set_by(pick: Pick) -> str:
    response: ResponseHead = ResponseHead(200)
    for step in pick.steps:
        response = step.on_response(response, head())
    return response.get("Set-Cookie")


def test_a_server_whose_requests_fail_is_left_out_for_a_while_and_told_of() -> None:
    now, told = [100.0], []
    balancer = Balancer(now=lambda: now[0])
    balancer.on_judged = lambda of, server, well: told.append((server.owner, well))
    of = balanced("wrr", 1, 1, passive_health_check=PassiveHealthCheck())
    pick = balancer.pick(of, head())
    [watch] = pick.steps
    watch.on_response(ResponseHead(500), head())
    assert told == [("a", False)]
    assert picked(balancer, of, 4) == "bbbb"
    second = balancer.pick(of, head()).watch
    assert second
    second.failed(TimedOut("late"))
    with pytest.raises(NoServer) as error:
        balancer.pick(of, head())
    assert error.value.detail == DOWN
    now[0] = 121.0
    assert set(picked(balancer, of, 4)) == {"a", "b"}


def test_a_server_that_has_just_come_gets_more_and_more() -> None:
    now = [0.0]
    balancer, of = Balancer(now=lambda: now[0]), balanced("wrr", 1, 1, slow_start=Duration(100))
    alone = replace(of, servers=of.servers[:1])
    assert picked(balancer, alone, 3) == "aaa"
    now[0] = 1000.0
    assert Counter(picked(balancer, of, 110)) == {"a": 100, "b": 10}
    now[0] = 1050.0
    assert Counter(picked(balancer, of, 90)) == pytest.approx({"a": 60, "b": 30}, abs=4)
    now[0] = 1100.0
    assert Counter(picked(balancer, of, 100)) == pytest.approx({"a": 50, "b": 50}, abs=1)


# Services made of others


def made(how: Weighted | Failover, *parts: Service) -> Service:
    declared = {each.name: each for each in parts} | {"whole": Service("whole", how=how)}
    return Composites(declared).of("whole")


BLUE, GREEN = (
    service(1, name="blue"),
    replace(service(1, name="green"), servers=(Server("z", "10.0.1.1", 80),)),
)


def test_parts_get_their_shares() -> None:
    whole = made(Weighted((Part("blue", 9), Part("green"))), BLUE, GREEN)
    assert Counter(picked(Balancer(), whole, 100)) == {"a": 90, "z": 10}


def test_a_part_without_a_server_gets_nothing() -> None:
    whole = made(Weighted((Part("blue", 9), Part("green"))), replace(BLUE, servers=()), GREEN)
    assert picked(Balancer(), whole, 3) == "zzz"


def test_a_visitor_stays_at_a_part_and_at_a_server_of_it() -> None:
    blue = replace(service(1, 1, 1, name="blue"), how=Balanced(sticky=Sticky()))
    whole = made(Weighted((Part("blue"), Part("green")), StickyCookie(name="side")), blue, GREEN)
    balancer = Balancer()
    pick = balancer.pick(whole, head())
    set_by_them = [step.on_response(ResponseHead(200), head()).get("Set-Cookie") for step in pick.steps]
    cookies = [each.partition(";")[0] for each in set_by_them]
    assert len(cookies) == 2
    by = head("192.0.2.1", ("Cookie", "; ".join(cookies)))
    assert {balancer.pick(whole, by).server for _ in range(8)} == {pick.server}


def test_parts_can_be_decided_by_address() -> None:
    whole = made(Weighted((Part("blue"), Part("green")), hashed=True), BLUE, GREEN)
    of = [picked(Balancer(), whole, by=head(f"10.0.0.{n}")) for n in range(100)]
    assert of == [picked(Balancer(), whole, by=head(f"10.0.0.{n}")) for n in range(100)]
    assert 30 < of.count("z") < 70


def test_the_fallback_serves_while_nobody_else_does() -> None:
    blue = replace(BLUE, how=Balanced(health_check=HealthCheck()))
    whole = made(Failover((Part("blue"), Part("green"))), blue, GREEN)
    balancer = Balancer()
    assert picked(balancer, whole, 2) == "aa"
    assert balancer.pick(whole, head(), excluding=BLUE.servers).server.owner == "z"
    balancer.judge(blue, BLUE.servers[0], False)
    assert picked(balancer, whole, 2) == "zz"
    balancer.judge(blue, BLUE.servers[0], True)
    assert picked(balancer, whole, 2) == "aa"


def test_a_service_that_is_starting_says_so() -> None:
    for of, words in ((Service("s", starting=True), STARTING), (Service("s"), DOWN)):
        with pytest.raises(NoServer) as error:
            Balancer().pick(of, head())
        assert error.value.detail == words
