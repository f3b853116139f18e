from __future__ import annotations

from typing import Any

import pytest

from proxy.exchange import OnRequest, RequestHead, Response
from proxy.middlewares.ratelimit import MOST_SOURCES, Limiter, RateLimit
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import World


def begun(world: World, **tree: Any) -> OnRequest:
    limiter = declared(RateLimit, tree).begin(world)
    assert isinstance(limiter, OnRequest)
    return limiter


def passes(limiter: OnRequest, request: RequestHead | None = None) -> bool:
    return isinstance(limiter.on_request(request or head()), RequestHead)


def test_a_burst_passes_and_then_the_average() -> None:
    world = World()
    limiter = begun(world, average="1", period="10s", burst="3")
    assert [passes(limiter) for _ in range(5)] == [True, True, True, False, False]
    world.time += 10
    assert [passes(limiter) for _ in range(2)] == [True, False]
    world.time += 1000
    assert [passes(limiter) for _ in range(4)] == [True, True, True, False]


def test_who_is_early_by_less_than_half_a_token_passes_and_pays_later() -> None:
    world = World()
    limiter = begun(world, average="10")
    assert passes(limiter)
    world.time += 0.06
    assert passes(limiter)
    world.time += 0.06
    assert not passes(limiter)


def test_who_is_refused_is_told_when_to_come_again() -> None:
    world = World()
    limiter = begun(world, average="1", period="10s")
    passes(limiter)
    world.time += 0.5
    refusal = limiter.on_request(head())
    assert isinstance(refusal, Response)
    assert (refusal.status, refusal.get("Retry-After"), refusal.get("X-Retry-In")) == (429, "10", "9.500s")


@pytest.mark.parametrize(
    ("criterion", "other"),
    [
        ({}, head(client="192.0.2.2")),
        ({"sourceCriterion": {"requestHost": "true"}}, head(host="b.test")),
        ({"sourceCriterion": {"requestHeaderName": "X-Key"}}, head("/", "example.com", ("X-Key", "k" * 100))),
        ({"sourceCriterion": {"ipStrategy": {"ipv6Subnet": "64"}}}, head(client="2001:db8::1")),
    ],
)
def test_each_client_has_his_own_bucket(criterion: dict[str, Any], other: RequestHead) -> None:
    limiter = begun(World(), average="1", **criterion)
    assert [passes(limiter), passes(limiter), passes(limiter, other), passes(limiter, other)] == [
        True,
        False,
        True,
        False,
    ]


def test_addresses_of_one_subnet_are_one_client() -> None:
    limiter = begun(World(), average="1", sourceCriterion={"ipStrategy": {"ipv6Subnet": "64"}})
    assert passes(limiter, head(client="2001:db8::1"))
    assert not passes(limiter, head(client="2001:db8::2"))


def test_average_0_is_no_limit() -> None:
    limiter = begun(World())
    assert all(passes(limiter) for _ in range(100))


def test_memory_is_bounded() -> None:
    limiter = begun(World(), average="1", sourceCriterion={"requestHeaderName": "X-Key"})
    assert isinstance(limiter, Limiter)
    for number in range(MOST_SOURCES + 10):
        limiter._take(str(number))
    assert len(limiter._full_at) == MOST_SOURCES


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        ({"average": "-1"}, "average and burst are no negative numbers."),
        ({"average": "1", "period": "0"}, "period is longer than nothing. Example: 1s"),
        (
            {"sourceCriterion": {"requestHost": "true", "requestHeaderName": "A"}},
            "Choose one of ipStrategy, requestHeaderName and requestHost.",
        ),
    ],
)
def test_a_mistake_is_said(tree: dict[str, Any], what: str) -> None:
    assert mistakes(RateLimit, tree) == [what]
