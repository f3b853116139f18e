"""A server whose name has several addresses."""

import asyncio
import socket
import time

import pytest

from proxy.upstream_wire import connected


def naming(monkeypatch, *places):
    async def resolve(host, port, **told):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)


@pytest.fixture
def good():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()


@pytest.fixture
def refusing():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()


@pytest.fixture
def silent():
    """Its queue is full: whoever comes now hears nothing, as from a machine that is off."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(8)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()
        for each in waiting:
            each.close()


async def test_an_address_that_is_silent_is_not_waited_for(monkeypatch, silent, good):
    naming(monkeypatch, silent, good)
    began = time.monotonic()
    (await connected("two.test", 80)).close()
    assert time.monotonic() - began < 1.5


async def test_an_address_that_refuses_is_passed_over(monkeypatch, refusing, good):
    naming(monkeypatch, refusing, good)
    sock = await connected("two.test", 80)
    assert sock.getpeername() == good
    assert not sock.getblocking()
    sock.close()


async def test_where_all_refuse_that_is_said(monkeypatch, refusing):
    naming(monkeypatch, refusing, refusing)
    with pytest.raises(OSError, match="Connect call failed"):
        await connected("two.test", 80)
