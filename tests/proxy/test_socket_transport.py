"""A socket on the loop: what the kernel does not take waits, and every connection ends once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from proxy.socket_transport import SocketTransport
from proxy.transport import Receiver
from tests.proxy.scripted_server import eventually

LARGE = bytes(range(256)) * 40_000


class Owner(Receiver):
    def __init__(self) -> None:
        self.got = b""
        self.told: list[str] = []
        self.half_open = False
        self.fails = False

    def data_received(self, data: bytes) -> None:
        if self.fails:
            raise ZeroDivisionError("a bug")
        self.got += data

    def eof_received(self) -> bool:
        self.told.append("eof")
        return self.half_open

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(type(exc).__name__ if exc else "lost")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
    ours.setblocking(False)
    theirs.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
async def scene(ends) -> tuple[SocketTransport, Owner, socket.socket]:
    ours, theirs = ends
    owner = Owner()
    transport = SocketTransport(ours, owner)
    transport.resume_reading()
    return transport, owner, theirs


async def read(sock: socket.socket, size: int) -> bytes:
    data = b""
    async with asyncio.timeout(5):
        while len(data) < size and (piece := await asyncio.get_running_loop().sock_recv(sock, 1 << 20)):
            data += piece
    return data


async def test_what_comes_is_handed_over_until_reading_is_paused(scene):
    transport, owner, theirs = scene
    theirs.send(b"one")
    await eventually(lambda: owner.got == b"one")
    transport.pause_reading()
    theirs.send(b"two")
    await asyncio.sleep(0.02)
    assert owner.got == b"one"
    transport.resume_reading()
    await eventually(lambda: owner.got == b"onetwo")


async def test_what_the_kernel_does_not_take_waits_and_arrives_in_order(scene):
    transport, owner, theirs = scene
    transport.write(LARGE)
    transport.write(b"end")
    assert owner.told == ["pause"]
    assert transport.get_write_buffer_size() > 0
    assert await read(theirs, len(LARGE) + 3) == LARGE + b"end"
    await eventually(lambda: owner.told == ["pause", "resume"])
    assert transport.get_write_buffer_size() == 0


async def test_closing_sends_what_waits_first(scene):
    transport, owner, theirs = scene
    transport.write(LARGE)
    transport.close()
    transport.write(b"too late")
    assert await read(theirs, len(LARGE) + 1) == LARGE
    await eventually(lambda: owner.told[-1] == "lost")
    assert owner.told.count("lost") == 1


async def test_saying_the_end_sends_what_waits_first_and_leaves_the_other_way_open(scene):
    transport, owner, theirs = scene
    transport.write(LARGE)
    transport.write_eof()
    assert await read(theirs, len(LARGE) + 1) == LARGE
    theirs.send(b"still here")
    await eventually(lambda: owner.got == b"still here")


@pytest.mark.parametrize("half_open", [True, False])
async def test_the_other_sides_end_is_told(scene, half_open):
    transport, owner, theirs = scene
    owner.half_open = half_open
    theirs.shutdown(socket.SHUT_WR)
    await eventually(lambda: "eof" in owner.told)
    if half_open:
        transport.write(b"answer")
        assert await read(theirs, 6) == b"answer"
    else:
        await eventually(lambda: owner.told == ["eof", "lost"])


async def test_aborting_throws_away_what_waits(scene):
    transport, owner, theirs = scene
    transport.write(LARGE)
    transport.abort()
    transport.abort()
    assert transport.is_closing()
    await eventually(lambda: owner.told == ["pause", "lost"])
    assert len(await read(theirs, len(LARGE))) < len(LARGE)


async def test_a_reset_is_told_as_an_error(scene):
    _, owner, theirs = scene
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    theirs.close()
    await eventually(lambda: owner.told == ["ConnectionResetError"])


async def test_a_bug_in_the_owner_ends_its_connection_and_is_reported(scene):
    _, owner, theirs = scene
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    owner.fails = True
    theirs.send(b"x")
    await eventually(lambda: owner.told == ["ZeroDivisionError"])
    assert isinstance(reported[0], ZeroDivisionError)
