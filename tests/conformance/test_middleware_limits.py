"""Rate limits, encoded characters and content types are what they are in Traefik."""

from __future__ import annotations

import pytest

from proxy.exchange import Begins, OnRequest, Request, RequestHead, Response
from proxy.middlewares.ratelimit import RateLimit
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import receive
from tests.conformance.test_middlewares import built, outcome
from tests.proxy.middlewares.world import Backend, World, wrapped


@cases("middleware_ratelimit", "config")
def test_rate_limits_are_declared(case: Case) -> None:
    middleware = built(case["config"])
    assert (middleware is None) is case["config_error"]
    if "source_of" in case["expected"]:
        assert isinstance(middleware, RateLimit)
        said = case["expected"]["source_of"]
        head = receive("/", "a.test", said.get("headers"), client="127.0.0.1")
        criterion = middleware.source_criterion
        assert criterion is None or criterion.source(head) == said["source"]


def begun(case: Case, world: World) -> OnRequest:
    middleware = built(case["config"])
    assert isinstance(middleware, Begins)
    limiter = middleware.begin(world)
    assert isinstance(limiter, OnRequest)
    return limiter


@cases("middleware_ratelimit", "load")
def test_rate_limits_under_load(case: Case) -> None:
    world, load, head = World(), case["load"], receive("/", "a.test")
    limiter = begun(case, world)
    answers = [limiter.on_request(head) for _ in range(load["initial_burst"])]
    for _ in range(int(load["duration_s"] * load["requests_per_second"])):
        answers.append(limiter.on_request(head))
        world.time += 1 / load["requests_per_second"]
    accepted = sum(isinstance(answer, RequestHead) for answer in answers)
    assert accepted <= case["expected"]["accepted_max"]
    assert accepted == pytest.approx(case["expected"]["accepted_about"], rel=0.02)


@cases("middleware_ratelimit", "response")
def test_who_asks_too_often_is_told_so(case: Case) -> None:
    limiter, head = begun(case, World()), receive("/", "a.test")
    answers = [limiter.on_request(head) for _ in case["expected"]["statuses"]]
    statuses = [answer.status if isinstance(answer, Response) else 200 for answer in answers]
    assert statuses == case["expected"]["statuses"]
    last = answers[-1]
    for name, value in case["expected"]["last_response_headers"].items():
        assert last.get(name) == value


@cases("middleware_misc", where=lambda case: "encodedCharacters" in case["config"])
def test_encoded_characters(case: Case) -> None:
    middleware = built(case["config"])
    assert middleware is not None
    passed = outcome(middleware, receive(case["request"]["path"], "a.test"))
    assert (passed.status if isinstance(passed, Response) else 200) == case["expected"]["status"]


@cases("middleware_misc", where=lambda case: "contentType" in case["config"])
async def test_content_type(case: Case) -> None:
    backend = case["backend"]
    app = Backend(Response(200, tuple(map(tuple, backend["headers"])), body=backend["body"].encode()))
    answer = await wrapped(built(case["config"]), app)(Request(receive("/", "a.test")))
    assert answer.get("Content-Type") == case["expected"]["response_headers"]["Content-Type"]
