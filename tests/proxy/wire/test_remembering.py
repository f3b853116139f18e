"""What is remembered of a request and its answer is never more than what would be decided again."""

from itertools import count

import pytest

from proxy.balancing import Balanced, Sticky, StickyCookie
from proxy.middlewares.basicauth import BasicAuth
from proxy.middlewares.headers import Headers
from proxy.middlewares.ratelimit import RateLimit
from proxy.middlewares.stripprefix import StripPrefix
from proxy.model import RoutingConfig, Service
from proxy.table import Entrypoint, compile_table
from tests.proxy.middlewares.run import declared
from tests.proxy.wire.stage import Call, router, staged, to

ASKED = b"GET /a/b HTTP/1.1\r\nHost: app.test\r\nX-Given: 1\r\n%b\r\n"


def with_middlewares(app, **middlewares):
    route = router("app", "Host(`app.test`)", "app", middlewares=tuple(middlewares))
    return RoutingConfig({"app": route}, {"app": Service("app", (to(app),))}, middlewares)


def saying(word: str):
    return declared(
        Headers, {"customRequestHeaders": {"X-Said": word}, "customResponseHeaders": {"X-Told": word}}
    )


def swap(stage, **middlewares):
    config = with_middlewares(stage.app, **middlewares)
    stage.entrypoints.table = compile_table(config, [Entrypoint(name="web", tls=False)])


async def ask(client, more: bytes = b""):
    reply = await client.ask(ASKED % more)
    assert reply.status == 200
    return reply


async def test_a_head_is_changed_alike_the_next_time_and_anew_with_a_new_table():
    async with staged(
        config=lambda app: with_middlewares(
            app, strip=declared(StripPrefix, {"prefixes": ["/a"]}), said=saying("one")
        )
    ) as stage:
        client = await stage.client()
        for _ in range(3):
            assert (await ask(client)).get("X-Told") == "one"
        swap(stage, said=saying("two"))
        for _ in range(3):
            assert (await ask(client)).get("X-Told") == "two"
        swap(stage)
        for _ in range(3):
            assert (await ask(client)).get("X-Told") is None
        swap(stage, said=saying("one"))
        for _ in range(3):
            assert (await ask(client)).get("X-Told") == "one"
    seen = [(call.target, call.get("X-Said")) for call in stage.app.calls]
    assert seen == [("/b", "one")] * 3 + [("/a/b", "two")] * 3 + [("/a/b", None)] * 3 + [("/a/b", "one")] * 3


async def test_an_answer_is_remembered_for_the_very_request_alone():
    cors = declared(Headers, {"accessControlAllowOriginList": ["https://a.test", "https://b.test"]})
    async with staged(config=lambda app: with_middlewares(app, cors=cors)) as stage:
        clients = [await stage.client(), await stage.client()]
        for _ in range(3):
            for client, origin in zip(clients, (b"https://a.test", b"https://b.test"), strict=True):
                allowed = (await ask(client, b"Origin: %b\r\n" % origin)).get("Access-Control-Allow-Origin")
                assert allowed == origin.decode()
        for origin, allowed in ((b"https://b.test", "https://b.test"), (b"https://c.test", None)):
            reply = await ask(clients[0], b"Origin: %b\r\n" % origin)
            assert reply.get("Access-Control-Allow-Origin") == allowed


async def test_an_app_that_says_something_else_is_heard():
    numbers = count()

    async def counts(call: Call) -> None:
        number = next(numbers) // 2
        await call.send(b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: 2\r\n\r\nok" % number)

    async with staged(counts, config=lambda app: with_middlewares(app, said=saying("one"))) as stage:
        client = await stage.client()
        replies = [await ask(client) for _ in range(6)]
    assert [reply.get("X-Number") for reply in replies] == ["0", "0", "1", "1", "2", "2"]
    assert {reply.get("X-Told") for reply in replies} == {"one"}


@pytest.mark.parametrize("more", [b"", b"Cookie: a=1\r\n"])
async def test_what_counts_counts_each_request(more):
    limit = declared(RateLimit, {"average": 1, "period": "1h", "burst": 3})
    async with staged(config=lambda app: with_middlewares(app, limit=limit, said=saying("one"))) as stage:
        client = await stage.client()
        statuses = [(await client.ask(ASKED % more)).status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


SIGNED_IN = b"Authorization: Basic YW5uYTpzZWNyZXQ=\r\n"
AUTH = {"users": ["anna:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="], "headerField": "X-User", "removeHeader": "true"}


@pytest.mark.parametrize("order", [("auth", "inner"), ("outer", "auth"), ("outer", "auth", "inner")])
async def test_who_has_signed_in_passes_all_the_same_steps_the_next_time(order):
    """The first time has to wait for the password to be hashed, the next ones do not."""
    known = {"auth": declared(BasicAuth, AUTH), "outer": saying("outer"), "inner": saying("inner")}
    told = {"X-Told": {"auth": "inner", "outer": "outer"}[order[0]]}
    said = "inner" if "inner" in order else "outer"
    async with staged(
        config=lambda app: with_middlewares(app, **{name: known[name] for name in order})
    ) as stage:
        client, stranger = await stage.client(), await stage.client()
        for _ in range(3):
            reply = await ask(client, SIGNED_IN + b"X-User: mallory\r\n")
            assert reply.get("X-Told") == told["X-Told"]
            assert (await stranger.ask(ASKED % b"")).status == 401
            wrong = await stranger.ask(ASKED % b"Authorization: Basic YW5uYTp3cm9uZw==\r\n")
            assert wrong.status == 401
            assert wrong.get("X-Told") == (None if order[0] == "auth" else "outer")
    seen = {(call.get("X-User"), call.get("Authorization"), call.get("X-Said")) for call in stage.app.calls}
    assert (len(stage.app.calls), seen) == (3, {("anna", None, said)})


async def test_what_counts_behind_a_password_counts_each_request_once():
    limit = declared(RateLimit, {"average": 1, "period": "1h", "burst": 3})
    auth = declared(BasicAuth, AUTH)
    async with staged(config=lambda app: with_middlewares(app, auth=auth, limit=limit)) as stage:
        client = await stage.client()
        statuses = [(await client.ask(ASKED % SIGNED_IN)).status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


async def test_an_answer_that_was_changed_for_one_route_is_not_anothers():
    """Both ask over the same connection to the same server, and all heads differ."""

    def two_routes(app):
        said, other = saying("one"), saying("two")
        routes = [
            router("plain", "Host(`plain.test`)", "app"),
            router("one", "Host(`one.test`)", "app", middlewares=("one",)),
            router("two", "Host(`two.test`)", "app", middlewares=("two",)),
            router("stays", "Host(`stays.test`)", "stays"),
        ]
        stays = Service("stays", (to(app),), how=Balanced(sticky=Sticky(cookie=StickyCookie(name="at"))))
        services = {"app": Service("app", (to(app),)), "stays": stays}
        return RoutingConfig({each.name: each for each in routes}, services, {"one": said, "two": other})

    async with staged(config=two_routes) as stage:
        client = await stage.client()
        for number in range(4):
            for host in ("plain", "one", "one", "two", "stays"):
                told = host if host in ("one", "two") else None
                head = f"GET /{number} HTTP/1.1\r\nHost: {host}.test\r\nX-N: {number} {told}\r\n"
                reply = await client.ask(f"{head}\r\n".encode())
                assert reply.get("X-Told") == told
                cookie = reply.get("Set-Cookie")
                assert (cookie is not None) is (host == "stays")
                if cookie:  # who comes with it is not told again
                    again = await client.ask(f"{head}Cookie: {cookie.partition(';')[0]}\r\n\r\n".encode())
                    assert again.get("Set-Cookie") is None
        assert stage.app.connections == 1
