from __future__ import annotations

import asyncio

from proxy.copying import MOST_UNDER_WAY, Copying
from proxy.exchange import Request, Response
from proxy.held_body import Held
from tests.proxy.heads import head
from tests.proxy.middlewares.world import Backend, Pieces, World, content, wrapped


async def ask(copying: Copying, world: World, times: int, body: bytes = b"") -> Backend:
    backend = Backend()
    handler = wrapped(copying.begin(world), backend)
    for _ in range(times):
        assert await content(await handler(Request(head(method="POST"), Held(body)))) == b"ok"
        await asyncio.sleep(0)
    return backend


def to(world: World) -> list[object]:
    return [service for service, _ in world.asked]


async def test_each_mirror_gets_its_share_of_a_hundred() -> None:
    world = World()
    backend = await ask(Copying((("a", 100), ("b", 10), ("c", 0)), True, 100), world, 200)
    assert len(backend.requests) == 200
    assert (to(world).count("a"), to(world).count("b"), to(world).count("c")) == (200, 20, 0)


async def test_a_copy_has_the_content_unless_it_is_said_not_to() -> None:
    for with_content, copied in ((True, b"hello"), (False, b"")):
        world = World()
        backend = await ask(Copying((("a", 100),), with_content, 100), world, 1, b"hello")
        [(_, copy)] = world.asked
        assert b"".join([piece async for piece in copy.body]) == copied
        assert b"".join([piece async for piece in backend.request.body]) == b"hello"


async def test_what_is_too_large_is_passed_on_whole_and_not_copied() -> None:
    world, backend = World(), Backend()
    handler = wrapped(Copying((("a", 100),), True, 4).begin(world), backend)
    await handler(Request(head(method="POST"), Pieces(b"hel", b"lo", b"!")))
    assert b"".join([piece async for piece in backend.request.body]) == b"hello!"
    assert world.asked == []


async def test_a_slow_mirror_gets_no_more_copies_until_it_has_answered() -> None:
    answer = asyncio.Event()

    async def slow(request: Request) -> Response:
        await answer.wait()
        return Response(200)

    world = World(service=slow)
    copying = Copying((("a", 100),), True, 100)
    handler = wrapped(copying.begin(world), Backend())
    for _ in range(MOST_UNDER_WAY + 20):
        await handler(Request(head()))
        await asyncio.sleep(0)
    assert len(world.asked) == MOST_UNDER_WAY
    answer.set()
    await asyncio.sleep(0.01)
    await handler(Request(head()))
    await asyncio.sleep(0)
    assert len(world.asked) == MOST_UNDER_WAY + 1
