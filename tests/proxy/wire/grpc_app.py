"""A real server of gRPC, and a client of gRPC-Web as browsers have one."""

from __future__ import annotations

import contextlib
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc

from tests.proxy.wire.stage import Client, Reply


def hello(request: bytes, context: Any) -> bytes:
    context.set_trailing_metadata((("x-user", dict(context.invocation_metadata()).get("x-user", "nobody")),))
    return b"hello " + request


def refuse(request: bytes, context: Any) -> bytes:
    context.abort(grpc.StatusCode.NOT_FOUND, "no such \N{SNOWMAN}")
    raise AssertionError


def count(request: bytes, context: Any) -> Iterator[bytes]:
    """So many numbers, and then a pause for ever where it is asked to."""
    for number in range(int(request.rstrip(b"+"))):
        yield b"%d" % number
    while b"+" in request and context.is_active():
        time.sleep(0.02)


def total(requests: Iterator[bytes], context: Any) -> bytes:
    return b"%d" % sum(map(len, requests))


METHODS = {
    "Hello": grpc.unary_unary_rpc_method_handler(hello),
    "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Total": grpc.stream_unary_rpc_method_handler(total),
}


@contextlib.contextmanager
def grpc_app(health: Callable[[bytes, Any], bytes] | None = None) -> Iterator[int]:
    """Its port."""
    server = grpc.server(ThreadPoolExecutor(4))
    services = [grpc.method_handlers_generic_handler("demo.Demo", METHODS)]
    if health:
        check = {"Check": grpc.unary_unary_rpc_method_handler(health)}
        services.append(grpc.method_handlers_generic_handler("grpc.health.v1.Health", check))
    server.add_generic_rpc_handlers(services)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def frame(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


@dataclass
class Call:
    """What a client of gRPC-Web makes of an answer."""

    reply: Reply
    messages: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str | None:
        return self.trailers.get("grpc-status") or self.reply.get("grpc-status")


def request(method: str, *messages: bytes, text: bool = False, fields: str = "") -> bytes:
    body = b"".join(map(frame, messages))
    body = b64encode(body) if text else body
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    head = (
        f"POST /demo.Demo/{method} HTTP/1.1\r\nHost: app.test\r\nContent-Type: {kind}\r\nX-Grpc-Web: 1\r\n"
        f"{fields}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def call(client: Client, method: str, *messages: bytes, text: bool = False, fields: str = "") -> Call:
    reply = await client.ask(request(method, *messages, text=text, fields=fields))
    return read(reply, b"".join(map(unpadded, reply.chunks)) if text else reply.body)


def unpadded(chunk: bytes) -> bytes:
    """Of a portion of text, which is whole by itself."""
    return b64decode(chunk, validate=True)


def read(reply: Reply, body: bytes) -> Call:
    found, at = Call(reply), 0
    while at < len(body):
        assert not found.trailers, "something behind the trailers"
        flags, length = body[at], int.from_bytes(body[at + 1 : at + 5], "big")
        data = body[at + 5 : at + 5 + length]
        assert len(data) == length, "a frame is cut off"
        if flags == 0x80:
            lines = data.decode("latin-1").removesuffix("\r\n").split("\r\n")
            found.trailers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
            assert all(name == name.lower() for name in found.trailers)
        else:
            assert flags == 0
            found.messages.append(data)
        at += 5 + length
    return found
