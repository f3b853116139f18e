"""Door: a listening socket that lets connections in while there is room for them."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from ipaddress import ip_address

from proxy.connection import Connection
from proxy.gate import Entry
from proxy.headers import plain_address
from proxy.socket_transport import SocketTransport

BATCH = 64
"""Connections accepted before others get their turn of the loop."""
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
PAUSE = 0.25
"""Seconds without accepting after the system had no descriptor left: an accept loop would spin meanwhile."""
HANDSHAKE_RECORD = b"\x16"
PLAIN_TO_TLS = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 49\r\n"
    b"Connection: close\r\n\r\nThis address speaks HTTPS. Begin it with https:\n\n"
)


class Door:
    def __init__(self, listening: socket.socket, entry: Entry, context: ssl.SSLContext | None) -> None:
        self._listening = listening
        self._entry = entry
        self._context = context
        self._arriving: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listening.getsockname()[:2]
        return host, port

    def open(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._listening.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Accept nobody any more; who is still shaking hands is sent away."""
        if self._closed:
            return
        self._closed = True
        asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()
        for arriving in self._arriving:
            arriving.cancel()

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
        # asyncio does this for sockets that it made itself.  Else the second piece of an answer waits
        # for the client's acknowledgement of the first: 40 ms.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = plain_address(ip_address(address.partition("%")[0]))
        connection = Connection(self._entry, self._entry.gate.capacity.take(), peer)
        if not self._context:
            self._begin(client, connection)
            return
        task = self._tasks.create_task(self._welcome(client, connection))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    def _begin(self, client: socket.socket, connection: Connection) -> None:
        try:
            transport = SocketTransport(client, connection)
        except OSError:  # the client has left already
            client.close()
            connection.never_began()
            return
        connection.connection_made(transport)
        transport.resume_reading()

    async def _welcome(self, client: socket.socket, connection: Connection) -> None:
        try:
            if await self._speaks_tls(client):
                await self._shake_hands(client, connection)
            else:
                client.close()
                connection.never_began()
        except (OSError, asyncio.CancelledError):
            # A handshake that failed, took too long or was sent away is the client's loss alone.
            connection.never_began()
        except Exception as bug:
            connection.never_began()
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a connection could not be taken in", "exception": bug}
            )

    async def _shake_hands(self, client: socket.socket, connection: Connection) -> None:
        limits = self._entry.gate.limits
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: connection,
            client,
            ssl=self._context,
            ssl_handshake_timeout=limits.handshake,
            ssl_shutdown_timeout=limits.linger,
        )

    async def _speaks_tls(self, client: socket.socket) -> bool:
        """Whether the first byte begins a handshake; who speaks HTTP here is told so in one sentence."""
        try:
            async with asyncio.timeout(self._entry.gate.limits.handshake):
                await _readable(client)
            first = client.recv(1, socket.MSG_PEEK)
            if first.isalpha():
                client.recv(64 * 1024)  # closing with unread input would reset what we say
                client.send(PLAIN_TO_TLS)
        except BaseException:
            client.close()  # there is no transport yet that would
            raise
        return first[:1] == HANDSHAKE_RECORD


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _settle, readable)
    try:
        await readable
    finally:
        loop.remove_reader(sock)


def _settle(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)
