"""WebSocket: an echo and a crowd that talks to it, as two small programs.

    python -m tests.bench.websocket echo PORT
    python -m tests.bench.websocket talk PORT HOST CONNECTIONS SECONDS

Each connection has one message in flight; a message is counted each time that
the proxy carried one, so a question and its answer are two.  Both programs
know the length of every frame in advance and never parse: the proxy is
measured, not they.
"""

from __future__ import annotations

import base64
import hashlib
import json
import select
import socket
import sys
import time

from tests.program import LOOPBACK

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3
ACCEPT = base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
TEXT = b"x" * 64
QUESTION = bytes([0x81, 0x80 | len(TEXT), 0, 0, 0, 0]) + TEXT  # masked with zeros: the text as it is
ANSWER = bytes([0x81, len(TEXT)]) + TEXT
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n"
)
ASK = (
    "GET /chat HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
)


def receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError:
        return b""


def echo(port: int) -> None:
    """Answer every whole question; the first thing on a connection is its handshake."""
    listener = socket.create_server((LOOPBACK, port), backlog=1024)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    connections: dict[int, socket.socket] = {}
    pending: dict[int, bytes | int] = {}  # a handshake so far, or how much of a question has come
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[connection.fileno()], pending[connection.fileno()] = connection, b""
                poll.register(connection, select.EPOLLIN)
            elif data := receive(connections[number]):
                pending[number] = answer(connections[number], pending[number], data)
            else:
                poll.unregister(number)
                connections.pop(number).close()


def answer(connection: socket.socket, before: bytes | int, data: bytes) -> bytes | int:
    if isinstance(before, bytes):
        head, end, rest = (before + data).partition(b"\r\n\r\n")
        if not end:
            return head
        connection.sendall(SWITCHING)
        before, data = 0, rest
    whole, part = divmod(before + len(data), len(QUESTION))
    if whole:
        connection.sendall(ANSWER * whole)
    return part


def connect(port: int, host: str) -> socket.socket:
    connection = socket.create_connection((LOOPBACK, port), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(ASK.format(host=host).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (data := connection.recv(65536)):
            break
        head += data
    if not head.startswith(b"HTTP/1.1 101"):
        raise SystemExit(f"no WebSocket: {head[:60]!r}")
    return connection


def talk(port: int, host: str, count: int, seconds: float) -> None:
    crowd = {connection.fileno(): connection for connection in (connect(port, host) for _ in range(count))}
    poll = select.epoll()
    sent, come = dict.fromkeys(crowd, 0.0), dict.fromkeys(crowd, 0)
    took: list[float] = []
    deadline = time.perf_counter() + seconds
    for number, connection in crowd.items():
        poll.register(number, select.EPOLLIN)
        sent[number] = time.perf_counter()
        connection.sendall(QUESTION)
    while (now := time.perf_counter()) < deadline:
        for number, _ in poll.poll(1):
            if not (data := receive(crowd[number])):
                raise SystemExit("a connection was cut")
            come[number] += len(data)
            if come[number] >= len(ANSWER):
                now = time.perf_counter()
                took.append(now - sent[number])
                come[number], sent[number] = come[number] - len(ANSWER), now
                crowd[number].sendall(QUESTION)
    took.sort()
    p50, p99 = (took[int(len(took) * share)] * 1e6 for share in (0.5, 0.99)) if took else (0, 0)
    print(json.dumps({"answers": 2 * len(took), "bytes": 0, "p50": p50, "p99": p99, "errors": 0}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["echo", port]:
            echo(int(port))
        case ["talk", port, host, count, seconds]:
            talk(int(port), host, int(count), float(seconds))
