from __future__ import annotations

from collections import Counter

import pytest

from proxy.balancer import Balancer
from proxy.exchange import NoServer
from proxy.model import Server, Service


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
        ((5, 1, 1), "aabacaa"),
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
    balancer.retain(["t"])
    assert owners(balancer, service(1, 1), 1) == "a"
