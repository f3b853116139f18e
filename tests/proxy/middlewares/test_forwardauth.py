from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.exchange import Fields, NeverSent, Request, Response
from proxy.middlewares.forwardauth import AuthUnreachable, ForwardAuth
from proxy.origin import Origin
from proxy.shunned import Shunned
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import Backend, Pieces, World, content, nobody, wrapped

AUTH = {"address": "http://auth:9091/check?x=1"}
ASKED = head(
    "/secret?q=1",
    "a.test",
    ("Host", "a.test:8443"),
    ("Cookie", "session=1"),
    ("Remote-User", "admin"),
    ("x_auth-role", "admin"),
    ("Content-Length", "4"),
    ("X-Forwarded-For", "203.0.113.9, 192.0.2.1"),
    ("X-Forwarded-Uri", "/from-the-proxy"),
    scheme="https",
    method="POST",
)


class Site:
    def __init__(self, answer: Response, app: Response | None = None, **tree: Any) -> None:
        self.auth, self.app = Backend(answer), Backend(app or Response(200, body=b"app"))
        self.world = World(outside=self.auth)
        self.handler = wrapped(declared(ForwardAuth, AUTH | tree).begin(self.world), self.app)

    async def ask(self) -> Response:
        return await self.handler(Request(ASKED, Pieces(b"bo", b"dy")))

    @property
    def to_auth(self) -> Request:
        return self.auth.request

    @property
    def to_app(self) -> Request:
        return self.app.request


def answer(status: int = 200, *fields: tuple[str, str], body: Any = b"") -> Response:
    return Response(status, fields, body=body)


async def test_the_server_is_told_what_is_asked_for() -> None:
    site = Site(answer())
    await site.ask()
    [(origin, request)] = site.world.asked
    assert origin == Origin("http", "auth", 9091)
    assert (request.head.method, request.head.target) == ("GET", "/check?x=1")
    assert dict(request.head.fields) == {
        "Host": "auth:9091",
        "Cookie": "session=1",
        "Remote-User": "admin",
        "x_auth-role": "admin",
        "X-Forwarded-Method": "POST",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "a.test:8443",
        "X-Forwarded-Port": "80",
        "X-Forwarded-Uri": "/secret?q=1",
        "X-Forwarded-For": "192.0.2.1",
    }
    assert request.body.length == 0


async def test_where_its_name_must_not_lead_is_kept_to() -> None:
    shunned = Shunned(frozenset({8900}))
    options = declared(ForwardAuth, AUTH)
    world = World(outside=Backend(answer()))
    bound = replace(options, address=replace(options.address, shunned=shunned))
    await wrapped(bound.begin(world), Backend(Response(200)))(Request(ASKED))
    assert [origin.shunned for origin, _ in world.asked] == [shunned]


async def test_what_a_trusted_proxy_says_can_be_passed_on() -> None:
    site = Site(answer(), trustForwardHeader="true", authRequestHeaders="cookie")
    await site.ask()
    sent = site.to_auth.head
    assert sent.get("X-Forwarded-Uri") == "/from-the-proxy"
    assert sent.get("X-Forwarded-For") == "203.0.113.9, 192.0.2.1"
    assert (sent.get("Cookie"), sent.get("Remote-User")) == ("session=1", "")


async def test_the_app_gets_what_the_server_says_and_never_what_the_client_says() -> None:
    fields = (("remote-user", "anna"), ("X-Auth-Group", "a"), ("X-Auth-Group", "b"), ("X-Other", "x"))
    tree = {"authResponseHeaders": "Remote-User, Remote-Name", "authResponseHeadersRegex": "^X-Auth-"}
    site = Site(answer(200, *fields), **tree)
    assert (await site.ask()).body == b"app"
    assert [line for line in site.to_app.head.fields if line[0].lower() in ("remote-user", "x-other")] == [
        ("remote-user", "anna")
    ]
    assert [line[1] for line in site.to_app.head.fields if "auth" in line[0].lower()] == ["a", "b"]
    assert await content(Response(200, body=site.to_app.body)) == b"body"


async def test_a_refusal_goes_to_the_visitor() -> None:
    fields = (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Connection", "X-Hop"), ("X-Hop", "1"))
    site = Site(answer(403, *fields, body=b"no"))
    refusal = await site.ask()
    assert (refusal.status, refusal.body) == (403, b"no")
    assert refusal.fields == (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    assert site.app.requests == []


@pytest.mark.parametrize(
    ("location", "tree", "shown"),
    [
        ("/login?rd=x", {}, "http://auth:9091/login?rd=x"),
        ("https://sso.test/", {}, "https://sso.test/"),
        ("/login", {"preserveLocationHeader": "true"}, "/login"),
    ],
)
async def test_where_the_visitor_is_sent(location: str, tree: dict[str, str], shown: str) -> None:
    assert (await Site(answer(302, ("Location", location)), **tree).ask()).get("Location") == shown


async def test_a_401_can_become_a_redirect() -> None:
    tree = {"authSigninURL": "https://sso.test/login"}
    redirect = await Site(answer(401), **tree).ask()
    assert (redirect.status, redirect.get("Location")) == (302, "https://sso.test/login")
    assert (await Site(answer(403), **tree).ask()).status == 403


async def test_nobody_passes_when_the_server_is_gone() -> None:
    app = Backend()
    handler = wrapped(declared(ForwardAuth, AUTH).begin(World(outside=nobody)), app)
    with pytest.raises(AuthUnreachable, match="forwardAuth: nobody is there"):
        await handler(Request(ASKED))
    assert (AuthUnreachable.status, app.requests) == (500, [])
    assert not issubclass(AuthUnreachable, NeverSent)


async def test_the_content_can_be_judged_too() -> None:
    site = Site(answer(), forwardBody="true", maxBodySize="4", preserveRequestMethod="true")
    await site.ask()
    assert site.to_auth.head.method == "POST"
    for request in (site.to_auth, site.to_app):
        assert await content(Response(200, body=request.body)) == b"body"
    assert (await Site(answer(), forwardBody="true", maxBodySize="3").ask()).status == 401


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("body", [b"12345", Pieces(b"123", b"45")])
async def test_an_answer_that_is_too_large_counts_as_401(status: int, body: Any) -> None:
    site = Site(answer(status, body=body), maxResponseBodySize="4")
    assert (await site.ask()).status == 401
    assert site.app.requests == []


async def test_cookies_of_the_server_reach_the_visitor() -> None:
    given: Fields = (("Set-Cookie", "s=auth"), ("Set-Cookie", "t=auth"))
    own: Fields = (("Set-Cookie", "s=app"), ("Set-Cookie", "u=app"))
    site = Site(answer(200, *given), Response(200, own), addAuthCookiesToResponse="s")
    assert (await site.ask()).fields == (("Set-Cookie", "u=app"), ("Set-Cookie", "s=auth"))


async def test_the_content_of_a_permission_is_not_kept() -> None:
    body = Pieces(b"x" * 100_000, b"more")
    assert (await Site(answer(body=body)).ask()).status == 200
    assert body.closed


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        ({"address": "auth:9091"}, "Expected a URL such as http://auth:9091/check"),
        ({"address": "http://u:p@auth/"}, "Expected a URL such as"),
        (AUTH | {"authResponseHeadersRegex": "("}, "This is not a regular expression"),
        (AUTH | {"authResponseHeaders": "Content-Length"}, "Content-Length belongs to the connection"),
    ],
)
def test_a_mistake_is_said(tree: dict[str, str], what: str) -> None:
    [said] = mistakes(ForwardAuth, tree)
    assert said.startswith(what)
