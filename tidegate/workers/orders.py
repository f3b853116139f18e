"""Orders: what the parent tells a worker, as values in length-prefixed pickles.

Pickle, because the reader may trust its parent.  Never the other way: what a
worker says is read by `reports`.
"""

from __future__ import annotations

import pickle
import socket
import struct
from asyncio import StreamReader
from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from proxy.frozen import frozen
from proxy.listening import Listener
from proxy.model import RoutingConfig, Server
from proxy.table import Entrypoint
from proxy.tls import KeyPair
from tidegate.logs import Level
from tidegate.serving import Setup

LENGTH = struct.Struct("!I")


@frozen
class Begin:
    """The first order.  `sockets` are listening ones, by their inherited descriptors."""

    parent: int
    setup: Setup
    sockets: tuple[tuple[Listener, int], ...]
    log_level: Level
    console: bool


@frozen
class Serve:
    """A routing, packed by itself: whoever makes a table of it unpacks it, and no loop waits for that."""

    packed: bytes = field(repr=False)  # there are users and their hashes in it

    @classmethod
    def of(cls, config: RoutingConfig, entrypoints: tuple[Entrypoint, ...]) -> Serve:
        return cls(pickle.dumps((config, entrypoints), protocol=5))

    def unpacked(self) -> tuple[RoutingConfig, tuple[Entrypoint, ...]]:
        config, entrypoints = pickle.loads(self.packed)  # noqa: S301 - as in `_unpacked`
        return config, entrypoints


@frozen
class Certify:
    certificates: Mapping[str, KeyPair]
    default: KeyPair


@frozen
class Furnish:
    """The owner's pages, by status."""

    pages: Mapping[str, str] = field(repr=False)


@frozen
class DropOwner:
    owner: str


@frozen
class Show:
    """All ACME answers of now, by their paths or server names; to be acknowledged by the serial."""

    serial: int
    answers: Mapping[str, bytes]
    proofs: Mapping[str, KeyPair]


@frozen
class Learn:
    """What some worker has found out about a server; "" that it answers."""

    server: Server
    failure: str


@frozen
class Explained:
    """The answer to what a worker has asked under this serial."""

    serial: int
    text: str = field(repr=False)


@frozen
class Open:
    """The state is complete: let visitors in."""


@frozen
class Stop:
    grace: float


Order: TypeAlias = Begin | Serve | Certify | Furnish | DropOwner | Show | Learn | Explained | Open | Stop


def pack(order: Order) -> bytes:
    """The order with its length before it; nothing of an order has 4 GiB."""
    body = pickle.dumps(order, protocol=5)
    return LENGTH.pack(len(body)) + body


async def read_order(stream: StreamReader) -> Order:
    """The next order; IncompleteReadError where the parent has gone."""
    (length,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
    return _unpacked(await stream.readexactly(length))


def receive_order(channel: socket.socket) -> Order:
    """The next order, waited for without a loop; EOFError where the parent has gone."""
    (length,) = LENGTH.unpack(_exactly(channel, LENGTH.size))
    return _unpacked(_exactly(channel, length))


def _exactly(channel: socket.socket, length: int) -> bytes:
    data = channel.recv(length, socket.MSG_WAITALL)
    if len(data) < length:
        raise EOFError
    return data


def _unpacked(body: bytes) -> Order:
    order: Order = pickle.loads(body)  # noqa: S301 - from the parent, over a channel that nobody else has
    return order
