"""From a route to a response: middlewares, servers, and the pages that stand for failures."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from proxy.access_log import Tally
from proxy.balancer import Balancer
from proxy.exchange import (
    Empty,
    NeverSent,
    NoServer,
    Request,
    RequestHead,
    Response,
    ResponseHead,
    TimedOut,
    UpstreamError,
)
from proxy.head import scan_request
from proxy.limits import Limits
from proxy.model import Router, Server, Service
from proxy.repeating import ATTEMPTS
from proxy.rule import parse_rule
from proxy.server import AiohttpLane
from proxy.table import Route
from proxy.turn import Turn
from proxy.upstream import Unanswered

HEAD = RequestHead("GET", "/", (("Host", "app.test"),), "app.test", ip_address("192.0.2.1"))


class Servers:
    """A pool whose servers answer, or fail, as told."""

    def __init__(self, *outcomes: Response | Exception) -> None:
        self._outcomes = list(outcomes)
        self.asked: list[Server] = []
        self.fields: list[tuple[tuple[str, str], ...]] = []

    async def ask(self, server, fields, request, upgrade="", slot=None):
        self.asked.append(server)
        self.fields.append(fields)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def turn() -> Turn:
    scanned = scan_request(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
    return Turn(scanned, HEAD, Tally("web", "192.0.2.1", started=0.0))


def route(servers: int = 1, *middlewares, wrap=(), on_response=()) -> Route:
    service = Service("app", tuple(Server(f"app-{n}", "192.0.2.9", 80 + n) for n in range(servers)))
    return Route(
        "app",
        Router("app", "Host(`app.test`)", "app"),
        parse_rule("Host(`app.test`)"),
        service,
        wrap=tuple(wrap),
        on_response=tuple(on_response),
    )


async def respond(pool: Servers, to: Route, its: Turn, request: Request | None = None) -> Response:
    its.route = to
    return await AiohttpLane(pool, Balancer(), Limits())._respond(its, to, request or Request(its.head))


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (UpstreamError("it cut"), 502),
        (NoServer("none"), 503),
        (TimedOut("slow"), 504),
        (ValueError("bug"), 500),
    ],
)
async def test_a_failure_is_a_page_without_internals_and_its_cause_is_for_the_log(failure, status):
    its = turn()
    response = await respond(Servers(failure), route(), its)
    assert response.status == status
    assert str(failure).encode() not in response.body
    assert its.tally.fault
    assert its.tally.bug is (failure if status == 500 else None)


@pytest.mark.parametrize(
    ("method", "length", "asked", "status"),
    [
        ("GET", 0, 2, 200),
        ("DELETE", 0, 2, 200),
        ("POST", 0, 1, 502),  # done twice it is not the same (RFC 9110 9.2.2)
        ("PUT", 5, 1, 502),  # its content has left and cannot be sent again
    ],
)
async def test_what_a_killed_server_has_not_answered_is_asked_of_another_where_that_is_safe(
    method, length, asked, status
):
    pool = Servers(Unanswered("the server closed the connection"), Response(200))
    request = Request(replace(HEAD, method=method), replace(Empty(), length=length))
    response = await respond(pool, route(3), turn(), request)
    assert (len(pool.asked), response.status) == (asked, status)


async def test_a_request_that_ends_every_server_is_asked_of_two_only():
    pool = Servers(*[Unanswered("the server closed the connection")] * 10)
    response = await respond(pool, route(9), turn())
    assert (len(pool.asked), response.status) == (2, 502)


async def test_another_server_is_asked_when_the_first_got_nothing():
    pool = Servers(NeverSent("gone"), Response(200))
    its = turn()
    assert (await respond(pool, route(2), its)).status == 200
    assert len({server.owner for server in pool.asked}) == 2
    assert (its.tally.server, its.tally.fault) == (pool.asked[1].url, "")


async def test_a_server_is_not_asked_twice_and_their_number_is_bounded():
    for servers, asked in ((1, 1), (2, 2), (10, ATTEMPTS)):
        pool = Servers(*[NeverSent("gone")] * 10)
        assert (await respond(pool, route(servers), turn())).status == 502
        assert len(set(pool.asked)) == len(pool.asked) == asked


async def test_a_server_that_may_have_begun_is_the_only_one_asked():
    pool = Servers(UpstreamError("cut"), Response(200))
    assert (await respond(pool, route(2), turn())).status == 502
    assert len(pool.asked) == 1


class Marks:
    """A middleware that leaves its mark on whatever passes."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def wrap(self, next_handler):
        async def handler(request):
            response = await next_handler(Request(request.head.with_field("X-Way", self._way(request.head))))
            return Response(response.status, (*response.fields, ("X-Back", self._mark)), body=response.body)

        return handler

    def _way(self, head):
        return head.get("X-Way") + self._mark

    def on_response(self, response, request):
        return ResponseHead(response.status, (*response.fields, ("X-Seen", self._mark)), response.reason)


async def test_middlewares_stand_around_the_server_in_their_order():
    pool = Servers(Response(200, body=b"ok"))
    outer, inner = Marks("a"), Marks("b")
    response = await respond(pool, route(wrap=(outer, inner), on_response=(inner, outer)), turn())
    assert ("X-Way", "ab") in pool.fields[0]
    assert response.fields == (("X-Back", "b"), ("X-Back", "a"), ("X-Seen", "b"), ("X-Seen", "a"))
    assert response.body == b"ok"


async def test_the_page_for_a_failure_passes_the_middlewares_that_look_at_answers():
    response = await respond(Servers(TimedOut("slow")), route(on_response=(Marks("a"),)), turn())
    assert (response.status, response.get("X-Seen")) == (504, "a")


async def test_what_concerns_one_hop_is_left_out_in_both_directions():
    hop = (("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "5"), ("X-End", "1"))
    pool = Servers(Response(200, hop))
    response = await respond(pool, route(), turn())
    assert response.fields == (("X-End", "1"),)
