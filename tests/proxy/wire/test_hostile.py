"""Clients and servers that do what hurts most, at the moment when it hurts most."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import hashlib
import os
import random
import socket
import ssl
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from proxy import conduit
from proxy.limits import Limits
from proxy.upstream import Timeouts
from tests.proxy.wire.stage import Call, Stage, eventually, one_app, staged
from tests.proxy.wire.test_tls import certified, https, trusting

GET = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
SOON = 5.0
"""Seconds, fewer than any limit that would end the same in the end."""
SIZE = 6 * 1024 * 1024 + 17
BODY = random.Random(7).randbytes(SIZE)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
PUT = b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n"


def with_little_room(stage: Stage) -> None:
    """Accepted sockets have the send buffer of the one that listens."""
    for _, door in stage.entrypoints._doors:
        door._listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)


# A client that resets its connection right behind its ClientHello


def hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting().wrap_bio(incoming, outgoing, server_hostname="app.test")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def say_and_reset(port: int, said: bytes) -> None:
    """In one go: the proxy finds what was said in the kernel, and the connection gone."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.sendall(said)
    sock.close()


async def test_a_reset_right_behind_a_hello_leaves_no_seat_taken():
    async with https() as stage:
        certified(stage)
        say_and_reset(stage.port("websecure"), hello())
        await asyncio.sleep(0.3)  # it has come by now, in all likelihood
        await eventually(lambda: stage.entrypoints.connections == 0, within=SOON)


async def test_a_reset_right_behind_a_hello_makes_nobody_else_deaf():
    async with https(config=one_app, limits=Limits(handshake=0.5, sweep=0.1)) as stage:
        certified(stage)
        for _ in range(5):
            say_and_reset(stage.port("websecure"), hello())
        await asyncio.sleep(0.2)
        clients = [await stage.client() for _ in range(8)]
        for client in clients:
            assert (await client.ask(GET)).status == 200
        await asyncio.sleep(1)
        for client in clients:
            assert (await client.ask(GET)).status == 200


@pytest.mark.parametrize("said", [1, 100])
@pytest.mark.parametrize("reset", [False, True])
async def test_who_leaves_in_the_middle_of_a_hello_has_left(said: int, reset: bool):
    """Else a client that is gone holds a seat until the time for the handshake is over."""
    async with https() as stage:
        certified(stage)
        sock = socket.create_connection(("127.0.0.1", stage.port("websecure")))
        sock.sendall(hello()[:said])
        await eventually(lambda: stage.entrypoints.connections == 1)
        await asyncio.sleep(0.2)  # and what was said has come, too
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        await eventually(lambda: stage.entrypoints.connections == 0, within=SOON)


# A client that asks for new keys (RFC 8446 4.6.3)


def openssl() -> Any:
    """The library that this process has loaded, because `ssl` cannot ask for new keys."""
    loaded = Path("/proc/self/maps").read_text().splitlines()
    library: Any = ctypes.CDLL(next(line.split()[-1] for line in loaded if "libssl" in line))
    for name in ("SSL_CTX_new", "SSL_new", "TLS_client_method"):
        getattr(library, name).restype = ctypes.c_void_p
    for name in ("SSL_CTX_new", "SSL_new", "SSL_connect", "SSL_do_handshake"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    library.SSL_set_fd.argtypes = library.SSL_key_update.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.SSL_ctrl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p]
    return library


def ask_for_keys_until_nobody_reads(port: int) -> socket.socket:
    """A client that takes none of the answers."""
    library = openssl()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.connect(("127.0.0.1", port))
    connection = library.SSL_new(library.SSL_CTX_new(library.TLS_client_method()))
    library.SSL_ctrl(connection, 55, 0, b"app.test")  # SSL_CTRL_SET_TLSEXT_HOSTNAME
    library.SSL_set_fd(connection, sock.fileno())
    assert library.SSL_connect(connection) == 1
    sock.setblocking(False)
    blocked, until = 0, time.monotonic() + 8
    while blocked < 10 and time.monotonic() < until:
        if library.SSL_key_update(connection, 1) != 1 or library.SSL_do_handshake(connection) != 1:
            blocked += 1
            time.sleep(0.02)
            library.SSL_do_handshake(connection)
    return sock


async def test_a_client_that_asks_for_new_keys_and_takes_none_costs_nothing():
    """Reading has to write, which it cannot: the socket stays readable and nobody reads it."""
    async with https(limits=Limits(head=60)) as stage:
        certified(stage)
        with_little_room(stage)
        sock = await asyncio.to_thread(ask_for_keys_until_nobody_reads, stage.port("websecure"))
        with sock:
            before = time.process_time()
            await asyncio.sleep(1)
            assert time.process_time() - before < 0.3


# Pipes that cannot be had


def none_left(flags: int) -> tuple[int, int]:
    raise OSError(errno.EMFILE, "Too many open files")


@pytest.fixture
def no_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conduit, "_spare", [])
    monkeypatch.setattr(os, "pipe2", none_left)


async def large(call: Call) -> None:
    digest = hashlib.sha256(await call.body()).hexdigest()
    await call.send(
        b"HTTP/1.1 200 OK\r\nX-Digest: %b\r\nContent-Length: %d\r\n\r\n" % (digest.encode(), SIZE) + BODY
    )


async def test_without_descriptors_a_large_answer_is_copied(no_pipes: None):
    async with staged(large) as stage:
        client = await stage.client()
        assert (await client.ask(GET)).body == BODY


async def test_without_descriptors_a_large_upload_is_copied(no_pipes: None):
    async with staged(large) as stage:
        client = await stage.client()
        client.writer.write(PUT % SIZE + BODY)
        assert (await client.head()).get("X-Digest") == hashlib.sha256(BODY).hexdigest()


# What a conduit must not change


async def test_a_server_that_stops_reading_a_large_upload_is_given_up():
    done = asyncio.Event()

    async def deaf(call: Call) -> None:
        call.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await done.wait()

    async with staged(deaf, timeouts=Timeouts(first_byte=1.0)) as stage:
        client = await stage.client()

        async def upload() -> None:
            await client.send(PUT % (32 * SIZE))
            for _ in range(32):
                await client.send(BODY)

        sending = asyncio.get_running_loop().create_task(upload())
        try:
            assert (await client.reply()).status == 504
        finally:
            sending.cancel()
            done.set()


async def test_a_client_that_leaves_after_a_large_upload_is_noticed():
    slowly = asyncio.Event()

    async def slow(call: Call) -> None:
        left = 4 * SIZE
        while left:
            left -= len(await call.reader.read(65536))
            if left < 3 * SIZE:
                slowly.set()
                await asyncio.sleep(0.001)
        await call.until_left()

    async with staged(slow) as stage:
        client = await stage.client()
        client.writer.write(PUT % (4 * SIZE) + BODY * 4)
        await slowly.wait()
        (line,) = stage.pool._connections
        # Less than what a pipe holds, so that the last of it has to wait there.
        line._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 131072)
        call = await stage.app.call()
        async with asyncio.timeout(30):
            while client.writer.transport.get_write_buffer_size():
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)
        client.close()
        async with asyncio.timeout(SOON):
            await call.left.wait()


async def test_a_large_answer_that_comes_in_pieces_is_not_held_back():
    arrived = asyncio.Event()

    async def drips(call: Call) -> None:
        await call.body()
        await call.send(OK % SIZE)
        for number in range(5):
            await call.send(b"%d" % number)
            await arrived.wait()
            arrived.clear()

    async with staged(drips) as stage:
        client = await stage.client()
        await client.send(GET)
        await client.head()
        for number in range(5):
            async with asyncio.timeout(SOON):  # the next one is sent when this one is here
                assert await client.reader.read(100) == b"%d" % number
            arrived.set()


# The end of TLS


def read_slowly(port: int, after: float = 0.05) -> bool:
    """Whether the answer ended with a close_notify; `after` seconds it begins to be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.settimeout(10)
    sock.connect(("127.0.0.1", port))
    with context.wrap_socket(sock, server_hostname="app.test", suppress_ragged_eofs=False) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
        time.sleep(after)
        try:
            while client.read(16384):
                continue
        except ssl.SSLEOFError:
            return False
    return True


async def test_a_slow_client_gets_a_close_notify():
    """RFC 8446 6.1: also where the kernel has no room for it at the very moment that all else is out."""
    sizes = random.Random(3)

    async def answers(call: Call) -> None:
        await call.body()
        await call.answer(bytes(sizes.randrange(100_000, 400_000)))

    async with https(script=answers) as stage:
        certified(stage)
        with_little_room(stage)
        ends = [await asyncio.to_thread(read_slowly, stage.port("websecure")) for _ in range(60)]
        assert all(ends), f"{ends.count(False)} of {len(ends)} without one"


async def test_a_client_that_is_slower_than_we_linger_gets_a_close_notify_too():
    async def answers(call: Call) -> None:
        await call.body()
        await call.answer(bytes(60_000))

    async with https(script=answers, limits=Limits(linger=0.1, sweep=0.05)) as stage:
        certified(stage)
        with_little_room(stage)
        assert await asyncio.to_thread(read_slowly, stage.port("websecure"), 0.5)
