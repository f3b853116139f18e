"""Middlewares in the order in which a request meets them, whatever kind they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from proxy.exchange import Acting, Handler, Middleware, Request, RequestHead, Response, ResponseHead
from proxy.middlewares.addprefix import AddPrefix
from proxy.middlewares.chain import Chain
from proxy.reference import MiddlewareName
from proxy.running import Running
from proxy.steps import Unresolved, around_handler, expanded, on_heads
from proxy.surroundings import Surroundings
from tests.proxy.heads import head
from tests.proxy.middlewares.world import World


@dataclass(eq=False)
class Notes:
    """What was met, in which order."""

    seen: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class OnHeads:
    name: str
    notes: Notes

    def on_request(self, request: RequestHead, /) -> RequestHead | Response:
        self.notes.seen.append(f"{self.name} in")
        return Response(403) if self.name == "guard" else request

    def on_response(self, response: ResponseHead, request: RequestHead, /) -> ResponseHead:
        self.notes.seen.append(f"{self.name} out")
        return replace(response, fields=(*response.fields, ("X-Seen-By", self.name)))


@dataclass(frozen=True)
class Waits:
    name: str
    notes: Notes

    def wrap(self, next_handler: Handler, /) -> Handler:
        async def handler(request: Request) -> Response:
            self.notes.seen.append(f"{self.name} in")
            response = await next_handler(request)
            self.notes.seen.append(f"{self.name} out")
            return response

        return handler


async def served(*middlewares: Acting) -> Response:
    async def app(request: Request) -> Response:
        return Response(200)

    handler: Handler = app
    for each in reversed(around_handler(middlewares)):
        handler = each.wrap(handler)
    return await handler(Request(head()))


async def test_behind_one_that_waits_everything_keeps_its_place() -> None:
    notes = Notes()
    a, b, c = OnHeads("a", notes), Waits("b", notes), OnHeads("c", notes)
    assert on_heads((a, b, c)) == (a,)
    response = await served(a, b, c)
    assert notes.seen == ["b in", "c in", "c out", "b out"]
    assert response.get("X-Seen-By") == "c"


async def test_an_answer_on_the_way_is_seen_by_those_in_front_only() -> None:
    notes = Notes()
    response = await served(Waits("a", notes), OnHeads("guard", notes), OnHeads("behind", notes))
    assert response.status == 403
    assert notes.seen == ["a in", "guard in", "a out"]


PREFIX = AddPrefix(prefix="/a")


def chain(*names: str) -> Chain:
    return Chain(middlewares=tuple(map(MiddlewareName, names)))


def test_a_chain_stands_for_what_it_names() -> None:
    known: dict[str, Middleware] = {"a": PREFIX, "both": chain("a", "deep"), "deep": chain("a")}
    assert [name for name, _ in expanded(("both", "a"), known)] == ["a", "a", "a"]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"c": chain("gone")}, 'There is no middleware "gone"; without it the router is not served.'),
        ({"c": chain("c")}, 'The chain "c" leads to itself; without it the router is not served.'),
        (
            {"c": chain(*["d"] * 20), "d": chain(*["a"] * 20), "a": PREFIX},
            "at most 256 middlewares",
        ),
    ],
)
def test_a_chain_that_leads_nowhere_is_refused(known: Mapping[str, Middleware], reason: str) -> None:
    with pytest.raises(Unresolved, match=reason):
        expanded(("c",), known)


@dataclass(frozen=True)
class Counts:
    limit: int

    def begin(self, around: Surroundings, /) -> Acting:
        return Waits("counts", Notes())


def test_what_has_begun_outlives_tables_while_it_is_declared_alike() -> None:
    running = Running(World())
    first = running.of("blog", "limit", Counts(1))
    running.forget()
    assert running.of("blog", "limit", Counts(1)) is first
    assert running.of("shop", "limit", Counts(1)) is not first
    assert running.of("blog", "limit", Counts(2)) is not first
    assert running.of("blog", "prefix", PREFIX) is PREFIX


def test_what_no_table_has_any_more_is_forgotten() -> None:
    running = Running(World())
    first = running.of("blog", "limit", Counts(1))
    running.forget()
    running.forget()
    assert running.of("blog", "limit", Counts(1)) is not first
