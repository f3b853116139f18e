import asyncio
import subprocess
import sys

import pytest

from proxy.aiohttp_later import AiohttpLater, Waiting
from proxy.balancer import Balancer
from proxy.limits import Limits
from proxy.upstream import Pool

LOOK = """
import asyncio, sys
from proxy.aiohttp_later import AiohttpLater, Waiting
from proxy.balancer import Balancer
from proxy.limits import Limits
from proxy.upstream import Pool
from tidegate import app

async def main():
    lane = AiohttpLater(Pool(), Balancer(), Limits())
    await lane.close()
    before = "aiohttp" in sys.modules
    while isinstance(lane.new_protocol(), Waiting):
        await asyncio.sleep(0.01)
    print(before, "aiohttp" in sys.modules)

asyncio.run(main())
"""


def test_the_program_loads_aiohttp_with_the_first_request_that_needs_it():
    ran = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=False)
    assert (ran.stdout.split(), ran.stderr) == (["False", "True"], "")


class Client(asyncio.Transport):
    """The transport as the protocol sees it: what it asked for, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def pause_reading(self) -> None:
        self.asked.append("pause")

    def resume_reading(self) -> None:
        self.asked.append("resume")

    def close(self) -> None:
        self.asked.append("close")


class Real(asyncio.Protocol):
    def __init__(self) -> None:
        self.seen: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.seen.append(transport)

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.seen.append("lost")


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def waiting(client):
    stands_in = Waiting()
    stands_in.connection_made(client)
    stands_in.data_received(b"one")
    return stands_in


def test_a_client_waits_and_nothing_of_it_is_lost(client, waiting):
    real = Real()
    assert client.asked == ["pause"]
    waiting.data_received(b"two")
    waiting.go_on(real)
    waiting.data_received(b"three")
    waiting.connection_lost(None)
    assert real.seen == [client, b"one", b"two", b"three", "lost"]
    assert client.asked == ["pause", "resume"]


def test_a_client_that_left_meanwhile_is_not_served(client, waiting):
    real = Real()
    waiting.connection_lost(None)
    waiting.go_on(real)
    waiting.give_up()
    assert (real.seen, client.asked) == ([], ["pause"])


async def test_where_it_cannot_be_loaded_nobody_waits_for_ever(client, monkeypatch):
    def broken() -> None:
        raise ImportError("half installed")

    monkeypatch.setattr("proxy.aiohttp_later._load", broken)
    told = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().set_exception_handler(lambda _, about: told.set_result(about["exception"]))
    lane = AiohttpLater(Pool(), Balancer(), Limits())
    lane.new_protocol().connection_made(client)
    assert str(await told) == "half installed"
    assert client.asked == ["pause", "close"]
