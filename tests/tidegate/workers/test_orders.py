"""Orders: whatever is served can be told to a worker, and comes as it was."""

import asyncio
import socket
from ipaddress import ip_network
from typing import Any

import pytest

from proxy.listening import Listener
from proxy.middlewares import MIDDLEWARES
from proxy.model import Router, RoutingConfig, Server, Service
from proxy.option import is_options, members_of
from proxy.problem import Problem
from proxy.schema import options_of, parse_options
from proxy.table import Entrypoint, compile_table
from proxy.tls import KeyPair
from tidegate.serving import Setup
from tidegate.workers.orders import (
    Begin,
    Certify,
    DropOwner,
    Learn,
    Open,
    Serve,
    Show,
    Stop,
    pack,
    read_order,
    receive_order,
)

SERVER = Server("4f5e", "172.18.0.3", 2368, weight=2)
LISTENER = Listener("web", "", 80)
SETUP = Setup((LISTENER,), (ip_network("10.0.0.0/8"), ip_network("fd00::/8")), 90.0, fast_lane=False)
CONFIG = RoutingConfig(
    {"blog@file": Router("blog@file", "Host(`blog.test`)", "blog@file", middlewares=("gone@file",))},
    {"blog@file": Service("blog@file", (SERVER,))},
    problems=(Problem("a", "b"),),
    broken=frozenset({"gone@file"}),
)
ORDERS = [
    Begin(1, SETUP, ((LISTENER, 7),), "info", console=True),
    Serve.of(CONFIG, (Entrypoint("web", port=8080),)),
    Certify({"blog.test": KeyPair(b"chain", b"key")}, KeyPair(b"chain", b"key")),
    DropOwner("4f5e"),
    Show(2, {"/.well-known/acme-challenge/token": b"token.thumb"}, {"blog.test": KeyPair(b"chain", b"key")}),
    Learn(SERVER, "no route"),
    Open(),
    Stop(7.0),
]


async def came(frames: bytes, count: int) -> list[Any]:
    stream = asyncio.StreamReader()
    stream.feed_data(frames)
    stream.feed_eof()
    return [await read_order(stream) for _ in range(count)]


async def test_orders_come_as_they_were_sent_in_their_order():
    assert await came(b"".join(map(pack, ORDERS)), len(ORDERS)) == ORDERS


async def test_an_order_that_ends_early_is_the_parents_end():
    for frame in (b"", pack(Open())[:2], pack(Open())[:-1]):
        with pytest.raises(asyncio.IncompleteReadError):
            await came(frame, 1)


def test_the_first_order_is_read_without_a_loop():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(pack(ORDERS[0]) + pack(ORDERS[1]))
        assert [receive_order(theirs), receive_order(theirs)] == ORDERS[:2]
        ours.close()
        with pytest.raises(EOFError):
            receive_order(theirs)


def trees(cls: type[Any]) -> list[dict[str, Any]]:
    """Options as a user would write them: for each option one tree, beside what is required."""
    required = {opt.name: example_of(opt) for opt in options_of(cls).values() if opt.required}
    return [required | {opt.name: example_of(opt)} for opt in options_of(cls).values()]


def example_of(opt: Any) -> Any:
    inner = members_of(opt.type)[0]
    return trees(inner)[0] if is_options(inner) else opt.example


NEEDS: dict[str, dict[str, Any]] = {
    "basicauth": {"users": "anna:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"},
    "digestauth": {"users": "anna:traefik:a2688e031edb4be6a3797f3882655c05"},
    "errors": {"status": "500-599"},
    "retry": {"status": "503"},
}
"""What these do not stand without, whichever option is looked at."""


@pytest.mark.parametrize("name", MIDDLEWARES)
async def test_every_middleware_with_every_option_comes_as_it_was_sent(name):
    cls = MIDDLEWARES[name]
    for tree in trees(cls) or [{}]:
        value, flaws = parse_options(cls, NEEDS.get(name, {}) | tree)
        assert value is not None, flaws
        config = RoutingConfig(CONFIG.routers, CONFIG.services, {"one@file": value})
        [order] = await came(pack(Serve.of(config, ())), 1)
        came_config, _ = order.unpacked()
        assert came_config == config
        assert type(came_config.middlewares["one@file"]) is cls


async def test_a_table_is_compiled_from_what_came_as_from_what_was_sent():
    [order] = await came(pack(ORDERS[1]), 1)
    assert isinstance(order, Serve)
    config, entrypoints = order.unpacked()
    sent, there = compile_table(CONFIG, entrypoints), compile_table(config, entrypoints)
    assert [route.router for route in there.routes["web"]] == [route.router for route in sent.routes["web"]]
    assert [route.action for route in there.routes["web"]] == ["broken"]


def test_a_key_is_in_no_repr_of_an_order():
    assert "secret" not in repr(Certify({"blog.test": KeyPair(b"chain", b"secret")}, KeyPair(b"", b"secret")))
