"""Door: a listening socket that lets connections in while there is room for them."""

from __future__ import annotations

import asyncio
import errno
import socket
from ipaddress import ip_address

from proxy.arrival import Arrival
from proxy.connection import Connection
from proxy.gate import Entry
from proxy.headers import plain_address
from proxy.socket_transport import SocketTransport
from proxy.tls import SNI

BATCH = 64
"""Connections accepted before others get their turn of the loop."""
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
PAUSE = 0.25
"""Seconds without accepting after the system had no descriptor left: an accept loop would spin meanwhile."""


class Door:
    def __init__(self, listening: socket.socket, entry: Entry, sni: SNI) -> None:
        self._listening = listening
        self._entry = entry
        self._sni = sni
        self._closed = False

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listening.getsockname()[:2]
        return host, port

    def open(self) -> None:
        self._listening.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Accept nobody any more; who is still shaking hands is sent away."""
        if self._closed:
            return
        self._closed = True
        asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()
        for arrival in list(self._entry.arrivals):
            arrival.dismiss()

    def _resume(self) -> None:
        if not self._closed:
            asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        """Somebody knocks."""
        loop = asyncio.get_running_loop()
        gate = self._entry.gate
        if gate.capacity.full:
            loop.remove_reader(self._listening)
            gate.capacity.when_freed(self._resume)
            gate.make_room(BATCH)
            return
        for _ in range(BATCH):
            try:
                client, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in EXHAUSTED:
                    raise
                loop.remove_reader(self._listening)
                loop.call_later(PAUSE, self._resume)
                gate.make_room(BATCH)
                return
            self._let_in(client, address[0])
            if gate.capacity.full:
                return

    def _let_in(self, client: socket.socket, address: str) -> None:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        peer = plain_address(ip_address(address.partition("%")[0]))
        connection = Connection(self._entry, self._entry.gate.capacity.take(), peer)
        try:
            if self._entry.tls:
                Arrival(client, connection, self._entry, self._sni)
            else:
                connection.begin(SocketTransport(client, connection))
        except OSError:  # the client has left already
            client.close()
            connection.never_began()
