"""Where a connection must not end, whatever it was asked for by."""

from __future__ import annotations

import asyncio
import pickle
import socket

import pytest

from proxy.address_url import AddressURL
from proxy.allowed_places import allowed
from proxy.balancer import Balancer
from proxy.exchange import NeverSent, Request
from proxy.origin import Origin
from proxy.outside import Outside
from proxy.shunned import Shunned
from proxy.upstream import Pool
from proxy.upstream_wire import connected
from tests.proxy.heads import head


@pytest.fixture
def port():
    with socket.create_server(("0.0.0.0", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
async def names(monkeypatch):
    """Where names lead."""
    leading: dict[str, list[str]] = {}

    async def resolve(host, port, **told):
        if host not in leading:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in leading[host]]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    return leading


async def reaches(host: str, port: int, shunned: Shunned) -> bool:
    try:
        (await connected(host, port, shunned)).close()
    except OSError as error:
        assert "no address that may be asked" in str(error)
        return False
    return True


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "0.0.0.0"])
async def test_a_port_of_this_machine_is_reached_by_no_address_of_it(names, port, address):
    names["evil.test"] = [address]
    shunned = Shunned(frozenset({port}))
    for host in ("evil.test", address):
        assert not await reaches(host, port, shunned)
        assert await reaches(host, port, Shunned(frozenset({port + 1}))), "another port is somebody else"


@pytest.mark.parametrize("address", ["::1", "::", "::ffff:127.0.0.1"])
async def test_nor_by_one_of_ipv6(address):
    place = (socket.AF_INET6, socket.SOCK_STREAM, 6, (address, 8900, 0, 0))
    assert await allowed([place], 8900, Shunned(frozenset({8900}))) == []
    assert await allowed([place], 8901, Shunned(frozenset({8900}))) == [place]


async def test_an_address_elsewhere_at_the_same_port_is_left(port):
    elsewhere = (socket.AF_INET, socket.SOCK_STREAM, 6, ("192.0.2.1", port))
    here = (socket.AF_INET, socket.SOCK_STREAM, 6, ("127.0.0.1", port))
    assert await allowed([here, elsewhere], port, Shunned(frozenset({port}))) == [elsewhere]


async def test_another_server_is_reached_by_none_of_its_names(names, port):
    names |= {"docker-proxy": ["127.0.0.2"], "alias.test": ["127.0.0.2"], "other.test": ["127.0.0.3"]}
    names["127.0.0.2"] = ["127.0.0.2"]
    for engine in ("docker-proxy", "127.0.0.2"):
        shunned = Shunned(host=engine, port=port)
        for host in ("docker-proxy", "alias.test", "127.0.0.2"):
            assert not await reaches(host, port, shunned)
        assert await reaches("other.test", port, shunned)
        assert await reaches("alias.test", port, Shunned(host=engine, port=port + 1))


async def test_where_it_cannot_be_found_nobody_is_asked_at_its_port(names, port):
    names["other.test"] = ["127.0.0.3"]
    with pytest.raises(OSError, match="not known"):
        await connected("other.test", port, Shunned(host="gone.test", port=port))


async def test_what_middlewares_ask_keeps_to_it(names, port):
    names["evil.test"] = ["127.0.0.1"]
    pool = Pool()
    outside = Outside(pool, Balancer())
    try:
        origin = Origin("http", "evil.test", port, shunned=Shunned(frozenset({port})))
        with pytest.raises(NeverSent, match="no address that may be asked"):
            await outside.fetch(origin, Request(head()))
    finally:
        await outside.close()
        await pool.close()


def test_it_travels_to_workers_with_the_url():
    url = AddressURL("http", "a.test", 80, "/", Shunned(frozenset({8900}), "proxy", 2375))
    assert pickle.loads(pickle.dumps(url)) == url
