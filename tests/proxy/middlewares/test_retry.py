from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from proxy.exchange import Body, Empty, NeverSent, NoServer, Request, Response, TimedOut, UpstreamError
from proxy.middlewares.retry import Retry
from proxy.surroundings import Unusable
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import Pieces, World, wrapped


@dataclass
class Servers:
    """What each try meets; the last one is met for ever."""

    meets: list[int | UpstreamError]
    got: list[bytes] = field(default_factory=list)
    tries: int = 0

    async def __call__(self, request: Request) -> Response:
        met = self.meets[min(self.tries, len(self.meets) - 1)]
        self.tries += 1
        if isinstance(met, NeverSent):
            raise met
        self.got.append(b"".join([piece async for piece in request.body]))
        if isinstance(met, UpstreamError):
            raise met
        return Response(met, body=Pieces(b"answer"))


async def asked(
    tree: dict[str, Any], *meets: int | UpstreamError, method: str = "GET", body: Body | None = None
) -> tuple[int | UpstreamError, Servers, World]:
    servers, world = Servers(list(meets)), World()
    handler = wrapped(declared(Retry, tree).begin(world), servers)
    try:
        response = await handler(Request(head(method=method), body or Empty()))
    except UpstreamError as error:
        return error, servers, world
    return response.status, servers, world


GONE, LATE = NeverSent("gone"), TimedOut("late")
NAMED = {"attempts": "3", "status": "500-503"}


@pytest.mark.parametrize(
    ("tree", "method", "meets", "outcome", "tries"),
    [
        ({"attempts": "3"}, "GET", [GONE, GONE, 200], 200, 3),
        ({"attempts": "2"}, "GET", [GONE, GONE, 200], GONE, 2),
        ({"attempts": "1"}, "GET", [GONE, 200], GONE, 1),
        ({"attempts": "3"}, "POST", [GONE, 200], 200, 2),
        ({"attempts": "3"}, "GET", [LATE, 200], 200, 2),
        ({"attempts": "3"}, "POST", [LATE, 200], LATE, 1),
        ({"attempts": "3", "retryNonIdempotentMethod": "true"}, "POST", [LATE, 200], 200, 2),
        ({"attempts": "3"}, "GET", [503, 200], 503, 1),
        (NAMED, "GET", [503, 200], 200, 2),
        (NAMED, "GET", [504, 200], 504, 1),
        (NAMED, "POST", [503, 200], 503, 1),
        (NAMED | {"retryNonIdempotentMethod": "true"}, "POST", [503, 200], 200, 2),
        (NAMED | {"disableRetryOnNetworkError": "true"}, "GET", [GONE, 200], GONE, 1),
    ],
)
async def test_what_is_tried_again(
    tree: dict[str, Any], method: str, meets: list[Any], outcome: object, tries: int
) -> None:
    met, servers, _ = await asked(tree, *meets, method=method)
    assert (met, servers.tries) == (outcome, tries)


@pytest.mark.parametrize("error", [NoServer("down"), Unusable("broken")])
async def test_what_no_try_changes_is_not_tried(error: UpstreamError) -> None:
    met, servers, _ = await asked({"attempts": "3"}, error)
    assert (met, servers.tries) == (error, 1)


async def test_every_try_brings_the_whole_content() -> None:
    _, servers, _ = await asked(NAMED, 503, LATE, 200, method="PUT", body=Pieces(b"con", b"tent"))
    assert servers.got == [b"content"] * 3


async def test_what_is_too_large_to_be_kept_is_sent_once() -> None:
    tree = NAMED | {"maxRequestBodyBytes": "4"}
    met, servers, _ = await asked(tree, 503, 200, method="PUT", body=Pieces(b"con", b"tent"))
    assert (met, servers.got) == (503, [b"content"])


async def test_nobody_waits_for_the_content_of_what_is_not_repeated() -> None:
    body = Pieces(b"content")
    met, servers, _ = await asked({"attempts": "3"}, GONE, 200, method="POST", body=body)
    assert (met, servers.got) == (200, [b"content"])


async def test_pauses_grow() -> None:
    _, _, world = await asked({"attempts": "4", "initialInterval": "1s"}, GONE)
    assert all(0.5 <= pause / 1.5**n <= 1.5 for n, pause in enumerate(world.pauses))
    assert len(world.pauses) == 3


async def test_after_the_timeout_nothing_is_tried_again() -> None:
    _, servers, _ = await asked({"attempts": "9", "initialInterval": "10s", "timeout": "1s"}, GONE)
    assert servers.tries == 2


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        ({"attempts": "0"}, "attempts is at least 1."),
        (
            {"attempts": "2", "disableRetryOnNetworkError": "true"},
            "Nothing would be tried again: name a status, or allow network errors.",
        ),
        (
            {"attempts": "2", "status": "abc"},
            "Expected a status such as 503 or a range such as 500-599, not 'abc'. Example: 502-504",
        ),
    ],
)
def test_a_mistake_is_said(tree: dict[str, Any], what: str) -> None:
    assert mistakes(Retry, tree) == [what]
