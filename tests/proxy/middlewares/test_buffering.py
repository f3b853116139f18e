from __future__ import annotations

from typing import Any

import pytest

from proxy.exchange import NeverSent, Request, Response, Truncated
from proxy.middlewares.buffering import Buffering
from proxy.spool import OnDisk
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import Backend, Pieces, World, content, wrapped


async def asked(app: Any, body: Any = None, method: str = "POST", **tree: str) -> Response:
    handler = wrapped(declared(Buffering, tree).begin(World()), app)
    return await handler(Request(head(method=method), body or Pieces()))


@pytest.mark.parametrize("memory", ["0", "3", "1000"])
async def test_the_app_gets_whole_requests_and_the_visitor_whole_answers(memory: str) -> None:
    app = Backend(Response(200, body=Pieces(b"an", b"swer")))
    limits = {"memRequestBodyBytes": memory, "memResponseBodyBytes": memory}
    answer = await asked(app, Pieces(b"que", b"stion"), **limits)
    assert app.request.body.length == 8
    assert isinstance(app.request.body, OnDisk) is (memory != "1000")
    assert await content(Response(200, body=app.request.body)) == b"question"
    assert not isinstance(answer.body, bytes)
    assert answer.body.length == 6
    assert await content(answer) == b"answer"


@pytest.mark.parametrize("body", [Pieces(b"que", b"stion"), Pieces(b"question", length=8)])
async def test_a_request_that_is_too_large_is_refused(body: Pieces) -> None:
    app = Backend()
    assert (await asked(app, body, maxRequestBodyBytes="7")).status == 413
    assert app.requests == []
    assert body.closed


@pytest.mark.parametrize("body", [Pieces(b"an", b"swer"), b"answer"])
async def test_an_answer_that_is_too_large_is_not_passed_on(body: Any) -> None:
    answer = await asked(Backend(Response(200, body=body)), maxResponseBodyBytes="5")
    assert answer.status == 500
    assert isinstance(body, bytes) or body.closed


async def test_a_request_that_breaks_off_reaches_nobody() -> None:
    app = Backend()
    with pytest.raises(Truncated):
        await asked(app, Pieces(b"que", Truncated("gone")))
    assert app.requests == []


class Flaky:
    def __init__(self, *meets: int | Exception) -> None:
        self.meets = list(meets)
        self.got: list[bytes] = []

    async def __call__(self, request: Request) -> Response:
        self.got.append(await content(Response(200, body=request.body)))
        met = self.meets.pop(0)
        if isinstance(met, Exception):
            raise met
        return Response(met)


@pytest.mark.parametrize(
    ("expression", "meets", "status"),
    [
        ("IsNetworkError() && Attempts() < 2", [NeverSent("gone"), 200], 200),
        ("IsNetworkError() && Attempts() <= 2", [502, 504, 200], 200),
        ("ResponseCode() == 503", [503, 503, 200], 200),
        ('RequestMethod() == "GET" && ResponseCode() == 503', [503, 200], 503),
        ("Attempts() > 0", [*[500] * 10, 200], 200),
    ],
)
async def test_the_expression_says_when_to_ask_again(expression: str, meets: Any, status: int) -> None:
    app = Flaky(*meets)
    assert (await asked(app, Pieces(b"question"), retryExpression=expression)).status == status
    assert set(app.got) == {b"question"}


async def test_an_expression_that_does_not_hold_leaves_the_failure_as_it_is() -> None:
    with pytest.raises(NeverSent):
        await asked(Flaky(NeverSent("gone")), retryExpression="ResponseCode() == 500")


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        ({"maxRequestBodyBytes": "-1"}, "Sizes are no negative numbers."),
        (
            {"retryExpression": "Attempt() < 2"},
            'There is no "Attempt" here. Known: IsNetworkError, Attempts, ResponseCode, RequestMethod.',
        ),
    ],
)
def test_a_mistake_is_said(tree: dict[str, str], what: str) -> None:
    assert mistakes(Buffering, tree) == [what]
