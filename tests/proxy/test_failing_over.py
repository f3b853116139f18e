from __future__ import annotations

import pytest

from proxy.exchange import Request, Response, TimedOut, Truncated, UpstreamError
from proxy.failing_over import FailingOver
from proxy.held_body import Held
from proxy.status_range import StatusRange
from tests.proxy.heads import head
from tests.proxy.middlewares.world import Backend, Pieces, World, content, wrapped

DECLARED = FailingOver("main", "spare", (StatusRange.parse("500-504"), StatusRange.parse("404")), 10)


class Scene:
    def __init__(self, answer: Response | UpstreamError) -> None:
        self.spare, self.answer = Backend(Response(200, body=b"spare")), answer
        self.world = World(service=self.spare)
        self.got: list[bytes] = []
        self.handler = wrapped(DECLARED.begin(self.world), self.main)

    async def main(self, request: Request) -> Response:
        self.got.append(b"".join([piece async for piece in request.body]))
        if isinstance(self.answer, UpstreamError):
            raise self.answer
        return self.answer

    async def ask(self, method: str = "GET", *pieces: bytes) -> Response:
        return await self.handler(Request(head(method=method), Pieces(*pieces) if pieces else Held(b"")))


@pytest.mark.parametrize(
    ("status", "method", "answered"),
    [
        (200, "GET", 200),
        (500, "GET", 200),
        (404, "HEAD", 200),
        (505, "GET", 505),
        (503, "DELETE", 200),
        (503, "POST", 503),  # it may have been done
        (503, "PATCH", 503),
    ],
)
async def test_the_other_service_is_asked_for_these_statuses(status: int, method: str, answered: int) -> None:
    scene = Scene(Response(status, body=b"main"))
    assert (await scene.ask(method)).status == answered
    assert [name for name, _ in scene.world.asked] == (["spare"] if answered != status else [])


@pytest.mark.parametrize(("error", "helps"), [(TimedOut("late"), True), (Truncated("half"), True)])
async def test_no_answer_counts_as_the_page_that_stands_for_it(error: UpstreamError, helps: bool) -> None:
    assert await content(await Scene(error).ask()) == b"spare"


async def test_a_failure_that_is_not_named_stays_one() -> None:
    scene = Scene(TimedOut("late"))
    scene.handler = wrapped(
        FailingOver("main", "spare", (StatusRange.parse("500"),), 10).begin(scene.world), scene.main
    )
    with pytest.raises(TimedOut):
        await scene.ask()
    assert not scene.world.asked


async def test_both_get_the_content_where_it_is_not_too_much() -> None:
    scene = Scene(Response(500))
    await scene.ask("PUT", b"hel", b"lo")
    assert scene.got == [b"hello"]
    assert b"".join([piece async for piece in scene.spare.request.body]) == b"hello"
    assert (await scene.ask("PUT", b"too ", b"much for us")).status == 500
    assert scene.got[-1] == b"too much for us"
    assert len(scene.spare.requests) == 1


async def test_an_answer_that_is_given_up_is_let_go() -> None:
    body = Pieces(b"a", b"b")
    await Scene(Response(500, body=body)).ask()
    assert body.closed


async def test_where_the_first_is_down_the_other_one_is_not_asked_twice() -> None:
    scene = Scene(Response(500, body=b"the spare's own answer"))
    scene.world.down.add("main")
    assert (await scene.ask()).status == 500
    assert not scene.world.asked
