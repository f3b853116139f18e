"""Listeners: where they are, and what happens where they cannot be."""

import asyncio
import socket

import pytest

from proxy.aiohttp_later import SlowParser, has_compiled_parser
from proxy.balancer import Balancer
from proxy.door import Door
from proxy.entrypoint import Entrypoints
from proxy.headers import TrustedProxies
from proxy.limits import Limits
from proxy.listening import CannotListen, Listener
from proxy.server import AiohttpLane
from proxy.table import RoutingTable
from proxy.tls import SNI
from proxy.upstream import Pool
from tests.proxy.wire.stage import eventually, staged


def entrypoints(*listeners: Listener, **changes) -> Entrypoints:
    arguments = {
        "table": RoutingTable(),
        "pool": Pool(),
        "balancer": Balancer(),
        "sni": SNI(),
        "answers": lambda path: None,
        "log": lambda record: None,
        "trusted": TrustedProxies(),
        "limits": Limits(),
        **changes,
    }
    return Entrypoints(listeners, **arguments)


async def test_every_entrypoint_says_where_it_listens():
    some = entrypoints(Listener("web", "127.0.0.1", 0), Listener("websecure", "127.0.0.1", 0, tls=True))
    await some.open()
    try:
        assert list(some.addresses) == ["web", "websecure"]
        for ((host, port),) in some.addresses.values():
            assert host == "127.0.0.1"
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    finally:
        await some.stop(1.0)


async def test_an_address_that_is_taken_is_named_with_its_entrypoint_and_nothing_stays_open():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = socket.create_server(("127.0.0.1", 0))
        other = free.getsockname()[1]
        free.close()
        some = entrypoints(Listener("web", "127.0.0.1", other), Listener("admin", "127.0.0.1", port))
        with pytest.raises(CannotListen, match=rf"'admin' cannot listen on 127\.0\.0\.1:{port}: .*in use"):
            await some.open()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", other)


async def test_an_empty_host_means_every_address_at_one_port():
    some = entrypoints(Listener("web", "", 0))
    await some.open()
    try:
        addresses = some.addresses["web"]
        assert {host for host, _ in addresses} <= {"0.0.0.0", "::"}
        assert len({port for _, port in addresses}) == 1
        _, writer = await asyncio.open_connection("127.0.0.1", addresses[0][1])
        writer.close()
    finally:
        await some.stop(1.0)


async def test_a_machine_without_ipv6_is_no_reason_not_to_start(monkeypatch):
    create_server = socket.create_server

    def without_ipv6(address, *, family, backlog):
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return create_server(address, family=family, backlog=backlog)

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    some = entrypoints(Listener("web", "", 0))
    await some.open()
    try:
        assert [host for host, _ in some.addresses["web"]] == ["0.0.0.0"]
    finally:
        await some.stop(1.0)


def test_it_refuses_to_run_on_a_parser_that_lets_malformed_requests_pass(monkeypatch):
    from aiohttp import http_parser

    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(SlowParser, match="pure-Python parser"):
        AiohttpLane(Pool(), Balancer(), Limits())
    monkeypatch.setenv("AIOHTTP_NO_EXTENSIONS", "1")
    assert has_compiled_parser() is False
    monkeypatch.setattr("proxy.aiohttp_later.COMPILED", has_compiled_parser())
    with pytest.raises(SlowParser, match="pure-Python parser"):
        entrypoints(Listener("web", "127.0.0.1", 0))


async def test_an_exception_while_sweeping_does_not_end_the_sweeping():
    class Fickle:
        """Limits that fail once."""

        fails = False

        def __getattr__(self, name):
            if name == "write" and self.fails:
                self.fails = False
                raise ZeroDivisionError
            return getattr(limits, name)

    limits, fickle = Limits(idle=0.2, sweep=0.02), Fickle()
    async with staged(limits=fickle) as stage:
        loop = asyncio.get_running_loop()
        seen = []
        loop.set_exception_handler(lambda loop, context: seen.append(context["exception"]))
        client = await stage.client()
        await client.ask(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        fickle.fails = True
        assert await client.closed()
        assert [type(error) for error in seen] == [ZeroDivisionError]
        await eventually(lambda: stage.entrypoints.connections == 0)


async def test_an_ipv4_client_of_an_ipv6_listener_is_an_ipv4_client():
    records = []
    some = entrypoints(log=records.append)
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        door = Door(listening, some._gate.add_entry("web", False, 80), SNI())
        door.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", listening.getsockname()[1])
        writer.write(b"GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 404")
        writer.close()
        door.close()
    await some.stop(1.0)
    assert [record.client for record in records] == ["127.0.0.1"]


async def test_an_address_that_cannot_be_had_is_named_once() -> None:
    with pytest.raises(CannotListen) as error:
        await entrypoints(Listener("web", "192.0.2.1", 80)).open()
    assert str(error.value.strerror).count("192.0.2.1") == 1
