"""gRPC health: what a server of gRPC says of itself, grpc.health.v1.Health/Check (gRPC's health-checking.md).

The request names no service, which asks for all of the server: a message
without a field.  The answer is one enum.  Written by hand, for generated code
brings 10 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proxy.exchange import Body, Fields, get
from proxy.grpc_frame import framed, only_message

METHOD: Final = "/grpc.health.v1.Health/Check"
QUESTION: Final = framed(b"")
FIELDS: Final[Fields] = (("Content-Type", "application/grpc"), ("TE", "trailers"))
LARGEST: Final = 4096
STATUS_FIELD, SERVING = 1, 1
VARINT, EIGHT, COUNTED, FOUR = 0, 1, 2, 5


async def is_serving(status: int, fields: Fields, body: bytes | Body) -> bool:
    """Whether this answer says that the server does its work; reads all of it."""
    content, trailers = b"", fields  # a server that only refuses says so in the head
    if isinstance(body, bytes):
        content = body
    else:
        async for piece in body:
            content += piece
            if len(content) > LARGEST:
                raise ValueError("the answer is no answer to this")
        trailers = body.trailers
    return status == 200 and get(trailers, "grpc-status") == "0" and says_serving(only_message(content))


def says_serving(message: bytes) -> bool:
    """Whether the message's status is SERVING; ValueError where it is malformed."""
    status = 0
    for field, value in _fields(message):
        if field == STATUS_FIELD:
            status = value
    return status == SERVING


def _fields(message: bytes) -> Iterator[tuple[int, int]]:
    """Fields and their values; of those that are no numbers, which later versions may have, -1."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        value = -1
        if kind == VARINT:
            value, at = _varint(message, at)
        elif kind == COUNTED:
            length, at = _varint(message, at)
            at += length
        elif kind in (EIGHT, FOUR):
            at += 8 if kind == EIGHT else 4
        else:
            raise ValueError("a field of no known kind")
        if at > len(message):
            raise ValueError("a field is cut off")
        yield tag >> 3, value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, octet in enumerate(message[at : at + 10]):
        value |= (octet & 0x7F) << (7 * place)
        if octet < 0x80:
            return value, at + place + 1
    raise ValueError("a number without an end")
