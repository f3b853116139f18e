"""Everything at once: what a lane remembers of one request must never show in another."""

import asyncio
import random

import pytest

from proxy.model import RoutingConfig, Service
from proxy.upstream import Timeouts
from tests.proxy.wire.stage import Call, Client, eventually, one_app, router, staged, to

GET = b"GET /%s HTTP/1.1\r\nHost: app.test\r\n\r\n"


def answer(call: Call, body: bytes) -> tuple[bytes, bool]:
    """The body framed as the target asks, and whether the connection ends with it."""
    how = call.target.split("/")[1]
    if call.method == "HEAD":
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), False
    if how == "chunked":
        half = len(body) // 2
        pieces = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (body[:half], body[half:]) if each)
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n", False
    if how == "close":
        return b"HTTP/1.1 200 OK\r\n\r\n" + body, True
    if how == "none":
        return b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", False
    extra = b"Set-Cookie: id=%b\r\n" % call.target.encode() if how == "cookie" else b""
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (extra, len(body), body), False


async def echo(call: Call) -> None:
    """Answers with what was asked, as often as the target says."""
    content = await call.body()
    times = int(call.target.split("/")[2])
    data, ends = answer(call, (call.target.encode() + b"|" + content + b"|") * times)
    await call.send(data)
    if ends:
        call.writer.close()


def asked(rng: random.Random, number: int) -> tuple[str, bytes, bytes, bytes]:
    """Method, target, content and the whole request; many are the same as one before."""
    method = rng.choice(("GET", "GET", "GET", "HEAD", "POST", "PUT"))
    how = rng.choice(("length", "length", "chunked", "close", "none", "cookie"))
    content = bytes(rng.choices(b"abc", k=rng.choice((0, 3, 3000)))) if method in ("POST", "PUT") else b""
    many = 300 if len(content) > 3 else 20000  # either way more than goes through as it comes
    target = f"/{how}/{rng.choice((1, 1, 1, 50, many))}/{rng.choice((number, 0, 0))}"
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: app.test",
        *rng.choice(([], ["Accept: */*"], ["Cookie: a"])),
    ]
    if not content:
        framed = b""
    elif rng.random() < 0.5:
        lines.append("Transfer-Encoding: chunked")
        framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    else:
        lines.append(f"Content-Length: {len(content)}")
        framed = content
    return method, target, content, "\r\n".join([*lines, "", ""]).encode() + framed


async def converse(client: Client, seed: int, count: int) -> None:
    rng = random.Random(seed)
    for number in range(count):
        method, target, content, request = asked(rng, seed * 1000 + number)
        if rng.random() < 0.2:  # in two pieces
            at = rng.randrange(1, len(request))
            await client.send(request[:at])
            await asyncio.sleep(0)
            request = request[at:]
        reply = await client.ask(request, method=method)
        whole = (target.encode() + b"|" + content + b"|") * int(target.split("/")[2])
        nothing = method == "HEAD" or reply.status == 304
        assert reply.body == (b"" if nothing else whole), (method, target)
        if reply.status == 200 and method == "HEAD":
            assert reply.get("Content-Length") == str(len(whole))
        cookie = f"id={target}" if target.startswith("/cookie/") and method != "HEAD" else None
        assert reply.get("Set-Cookie") == cookie


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_gets_anothers_answer(seed):
    # The largest answers hold up everybody in this process, which is also the one that is connected to.
    async with staged(echo, timeouts=Timeouts(connect=60)) as stage:
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(converse(await stage.client(), seed * 100 + number, 60))
        assert len(stage.records) == 12 * 60
        assert {record.fault for record in stage.records} == {""}


async def test_the_same_request_again_may_have_another_answer():
    async with staged(echo) as stage:
        client = await stage.client()
        for number in range(3):
            stage.app.script = lambda call, number=number: call.answer(b"%d" % number)
            for _ in range(3):
                assert (await client.ask(GET % b"")).body == b"%d" % number


async def test_a_middleware_sees_every_request_and_every_answer():
    class Counts:
        asked = answered = 0

        def on_request(self, request):
            self.asked += 1
            return request.with_field("X-Number", str(self.asked))

        def on_response(self, response, request):
            self.answered += 1
            fields = (*response.fields, ("X-Number", str(self.answered)))
            return type(response)(response.status, fields, response.reason, response.body)

    def config(app):
        whole = one_app(app)
        counted = router("app@test", "Host(`app.test`)", "app@test", middlewares=("count@test",))
        return RoutingConfig(
            routers={"app@test": counted}, services=whole.services, middlewares={"count@test": Counts()}
        )

    async with staged(config=config) as stage:
        client = await stage.client()
        for number in range(1, 5):
            reply = await client.ask(GET % b"")
            assert stage.app.calls[-1].get("X-Number") == reply.get("X-Number") == str(number)


async def test_a_service_that_does_not_pass_the_host_gets_its_own():
    def config(app):
        service = Service("app@test", (to(app),), pass_host_header=False)
        return RoutingConfig(
            routers={"app@test": router("app@test", "Host(`app.test`)", "app@test")},
            services={"app@test": service},
        )

    async with staged(config=config) as stage:
        client = await stage.client()
        for _ in range(3):
            await client.ask(GET % b"")
            assert stage.app.calls[-1].get("Host") == f"127.0.0.1:{stage.app.port}"


async def test_a_client_that_leaves_while_it_is_served_leaves_nothing_behind():
    async def slow(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await call.until_left()

    async with staged(slow) as stage:
        for _ in range(10):
            client = await stage.client()
            await client.send(GET % b"")
            await client.head()
            client.abort()
        await eventually(lambda: stage.entrypoints.connections == 0)
        await eventually(lambda: len(stage.records) == 10)
        await eventually(lambda: not stage.pool._connections)
