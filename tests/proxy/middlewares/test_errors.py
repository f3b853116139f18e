from __future__ import annotations

from typing import Any

import pytest

from proxy.exchange import NeverSent, Request, Response
from proxy.middlewares.errors import Errors
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import Backend, Pieces, World, content, nobody, wrapped

TREE = {"status": "404, 500-599", "service": "pages", "query": "/{status}.html"}
PAGE = Response(200, (("Content-Type", "text/html"),), "OK", body=b"a fine page")


async def asked(app: Any, request: Request | None = None, **tree: Any) -> tuple[Response, World]:
    world = World(service=Backend(PAGE))
    handler = wrapped(declared(Errors, TREE | tree).begin(world), app)
    return await handler(request or Request(head("/x?y=z", "a.test", ("Host", "a.test")))), world


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_a_failure_gets_a_page_and_keeps_its_status(status: int) -> None:
    body = Pieces(b"stack trace")
    answer, world = await asked(Backend(Response(status, body=body)))
    assert (answer.status, await content(answer)) == (status, b"a fine page")
    assert answer.get("Content-Type") == "text/html"
    assert body.closed
    [(service, request)] = world.asked
    assert (service, request.head.target, request.head.method) == ("pages", f"/{status}.html", "GET")


@pytest.mark.parametrize("status", [200, 302, 403])
async def test_everything_else_is_left_alone(status: int) -> None:
    app = Backend(Response(status, body=b"mine"))
    answer, world = await asked(app)
    assert answer is app.response
    assert world.asked == []


async def test_an_app_that_is_gone_gets_a_page_too() -> None:
    answer, _ = await asked(nobody)
    assert (answer.status, answer.body) == (502, b"a fine page")


async def test_a_failure_without_a_page_stays_what_it_is() -> None:
    with pytest.raises(NeverSent):
        await asked(nobody, status="404")


async def test_without_the_service_there_is_our_own_page() -> None:
    handler = wrapped(declared(Errors, TREE).begin(World()), Backend(Response(500)))
    answer = await handler(Request(head()))
    assert answer.status == 500
    assert b"Something went wrong here." in await content(answer)


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("/?s={status}&o={originalStatus}", "/?s=500&o=503"),
        ("/?url={url}", "/?url=http%3A%2F%2Fa.test%2Fx%3Fy%3Dz"),
        ("{status} page", "/500%20page"),
    ],
)
async def test_the_service_is_told_what_happened(query: str, target: str) -> None:
    tree = {"query": query, "statusRewrites": {"500-503": "500"}}
    answer, world = await asked(Backend(Response(503)), **tree)
    assert answer.status == 500
    assert world.asked[0][1].head.target == target


async def test_the_service_gets_no_content_and_only_the_fields_that_it_may_have() -> None:
    fields = (("Host", "a.test"), ("Content-Length", "5"), ("Cookie", "secret"), ("Accept-Language", "de"))
    request = Request(head("/x", "a.test", *fields, method="POST"), Pieces(b"12345"))
    _, world = await asked(Backend(Response(503)), request)
    assert dict(world.asked[0][1].head.fields) == {
        "Host": "a.test",
        "Cookie": "secret",
        "Accept-Language": "de",
    }
    _, world = await asked(Backend(Response(503)), request, errorRequestHeaders="accept-language")
    assert dict(world.asked[0][1].head.fields) == {"Host": "a.test", "Accept-Language": "de"}


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        ({"service": "pages"}, "status names none. Example: 500-599"),
        (
            {"service": "pages", "status": "500", "statusRewrites": {"x": "1"}},
            "Expected a status such as 503",
        ),
        (
            {"service": "pages", "status": "500", "statusRewrites": {"500": "1"}},
            "statusRewrites: 1 is no status.",
        ),
        ({"status": "500"}, "This is missing. Example: error-pages"),
    ],
)
def test_a_mistake_is_said(tree: dict[str, Any], what: str) -> None:
    [said] = mistakes(Errors, tree)
    assert said.startswith(what)
