from __future__ import annotations

from typing import Any

import pytest

from proxy.exchange import NeverSent, Request, Response, UpstreamError
from proxy.middlewares.circuitbreaker import Breaker, CircuitBreaker, State
from proxy.rolling_window import RollingWindow
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import World, wrapped


class Service:
    """An app that does well or badly, as it is told."""

    def __init__(self, world: World) -> None:
        self.world, self.status, self.latency, self.asked = world, 200, 0.0, 0

    async def __call__(self, request: Request) -> Response:
        self.asked += 1
        self.world.time += self.latency
        if self.status == 502:
            raise NeverSent("gone")
        return Response(self.status)


class Site:
    def __init__(self, expression: str = "NetworkErrorRatio() > 0.5", **tree: str) -> None:
        self.world = World()
        self.service = Service(self.world)
        breaker = declared(CircuitBreaker, {"expression": expression} | tree).begin(self.world)
        assert isinstance(breaker, Breaker)
        self.breaker, self.handler = breaker, wrapped(breaker, self.service)

    async def ask(self, status: int = 200, after: float = 0.2) -> int:
        self.world.time += after
        self.service.status = status
        try:
            return (await self.handler(Request(head()))).status
        except UpstreamError as error:
            return error.status


@pytest.mark.parametrize(
    ("expression", "statuses", "state"),
    [
        ("NetworkErrorRatio() > 0.5", [200, 502, 502], State.OPEN),
        ("NetworkErrorRatio() > 0.5", [200, 502, 500], State.CLOSED),
        ("ResponseCodeRatio(500, 600, 0, 600) > 0.4", [200, 500], State.OPEN),
        ("ResponseCodeRatio(500, 600, 200, 300) > 0.4", [500], State.CLOSED),
        ("RequestThreshold() >= 3 && NetworkErrorRatio() > 0", [502, 502], State.CLOSED),
        ("RequestThreshold() >= 3 && NetworkErrorRatio() > 0", [502, 502, 502], State.OPEN),
    ],
)
async def test_the_expression_says_when_a_service_does_badly(
    expression: str, statuses: list[int], state: State
) -> None:
    site = Site(expression)
    for status in statuses:
        assert await site.ask(status) == status
    assert site.breaker.state is state


async def test_a_slow_service_does_badly() -> None:
    site = Site("LatencyAtQuantileMS(50.0) > 100")
    site.service.latency = 0.05
    await site.ask()
    assert site.breaker.state is State.CLOSED
    site.service.latency = 0.2
    await site.ask()
    await site.ask()
    assert site.breaker.state is State.OPEN


async def test_it_is_left_in_peace_and_then_asked_more_and_more() -> None:
    site = Site(responseCode="429", fallbackDuration="10s", recoveryDuration="10s")
    await site.ask(502)
    assert [await site.ask(after=1) for _ in range(9)] == [429] * 9
    assert site.service.asked == 1
    await site.ask(after=1)
    assert site.breaker.state is State.RECOVERING
    early = [await site.ask(after=0.01) for _ in range(400)].count(200)
    late = [await site.ask(after=0.01) for _ in range(400)].count(200)
    assert 0 < early < late < 400
    assert await site.ask(after=10) == 200
    assert site.breaker.state is State.CLOSED


async def test_one_that_is_still_bad_is_left_again() -> None:
    site = Site()
    await site.ask(502)
    await site.ask(after=10)
    while await site.ask(502) == 503:
        assert site.breaker.state is State.RECOVERING
    assert site.breaker.state is State.OPEN


async def test_the_expression_is_not_looked_at_too_often() -> None:
    site = Site(checkPeriod="1m")
    await site.ask(200)
    await site.ask(502)
    await site.ask(502, after=1)
    assert site.breaker.state is State.CLOSED


def test_what_is_older_than_ten_seconds_does_not_count() -> None:
    window = RollingWindow()
    window.add(100.0, 502, 0.1)
    window.add(111.0, 200, 0.2)
    assert (window.total, window.network_error_ratio(), window.latency(50)) == (1, 0.0, 200.0)


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        ({"expression": "NetworkErrors() > 1"}, 'There is no "NetworkErrors" here.'),
        ({"expression": "NetworkErrorRatio() > 1", "responseCode": "1"}, "responseCode is a status of HTTP"),
        ({}, "This is missing."),
    ],
)
def test_a_mistake_is_said(tree: dict[str, Any], what: str) -> None:
    [said] = mistakes(CircuitBreaker, tree)
    assert said.startswith(what)
