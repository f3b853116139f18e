"""UpstreamWire: a socket to a server: reads through one buffer, writes that wait, what the kernel knows."""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import socket
import ssl
import struct
import termios
from ipaddress import ip_address
from typing import Any, Final

from mypy_extensions import mypyc_attr

from proxy.allowed_places import allowed
from proxy.cloud_address import is_cloud_address
from proxy.shunned import Shunned
from proxy.socket_transport import KEEP_ALIVE_PROBES, READ_SIZE, SocketTransport, quiet
from proxy.tls_transport import Handshake, TLSTransport
from proxy.transport import Receiver

WRITE_HIGH: Final = 64 * 1024
"""Octets that wait for a slow server before the client has to wait, too."""
QUEUE_FULL: Final = 0.02
"""Seconds until a local server whose queue is full is tried again."""
STAGGER: Final = 0.25
"""Seconds after which the next address is tried beside the one before (RFC 8305 5)."""
LEFT_BEHIND: Final = 1024 * 1024


@mypyc_attr(native_class=False)
class ServerLeft(ConnectionResetError):
    """The connection is closing: what it has to tell comes from there, not from the write that failed."""


class UpstreamWire(Receiver):
    """What is below an exchange."""

    _transport: SocketTransport
    _socket: socket.socket

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connected = False
        self._tls = False
        self._poll = select.poll()
        self._drained: asyncio.Future[None] | None = None
        self.held = False

    def begin(self, sock: socket.socket) -> None:
        """Over this socket, which is connected and, for TLS, has shaken hands."""
        self._tls = isinstance(sock, ssl.SSLSocket)
        transport = (
            TLSTransport(sock, self) if isinstance(sock, ssl.SSLSocket) else SocketTransport(sock, self)
        )
        self._transport, self._socket = transport, sock
        self._connected = True
        self._poll.register(sock.fileno(), select.POLLIN | select.POLLPRI)
        transport.set_write_buffer_limits(WRITE_HIGH)
        # No limit on how long a tunnel is silent, so the kernel asks whether the other host still lives.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEP_ALIVE_PROBES:
            if hasattr(socket, name) and sock.family != socket.AF_UNIX:
                self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

        transport.resume_reading()

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained and not drained.done():
            drained.set_result(None)

    def write(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise ServerLeft("the server closed the connection")
        self._transport.write(data)

    def write_at_once(self, data: bytes) -> bool:
        """Unless that would have to wait or the server has gone; whether it was written."""
        if self._drained is not None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    async def drain(self) -> None:
        """Wait while the server is slow."""
        while self._drained:
            await asyncio.shield(self._drained)

    def write_eof(self) -> None:
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    def hold(self) -> None:
        if not self.held and not self._transport.is_closing():
            self.held = True
            self._transport.pause_reading()

    def release(self) -> None:
        if self.held and not self._transport.is_closing():
            self.held = False
            self._transport.resume_reading()

    def quiet_socket(self) -> SocketTransport | None:
        """The plain socket, where nothing waits to be sent: what flows into it comes next."""
        return quiet(self._transport)

    def readable(self) -> bool:
        """Whether the kernel holds what the loop has not read: bytes, the end, an error."""
        return bool(self._poll.poll(0))

    def outstanding(self) -> int:
        """Octets that the server has not taken; of a slow one, the kernel can hold megabytes."""
        count = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        return self._transport.get_write_buffer_size() + int(struct.unpack("i", count)[0])

    def left_behind(self) -> bytes:
        """What came before a reset and was not read yet; the kernel still has it until the socket is closed.

        An app that answers 413 and closes while we still send makes exactly
        this: its answer, and a reset on top of it.
        """
        if self._tls:
            return b""
        data = bytearray()
        try:
            while len(data) < LEFT_BEHIND and (piece := os.read(self._socket.fileno(), READ_SIZE)):
                data += piece
        except OSError:
            return bytes(data)  # read empty, or the kernel threw it away
        return bytes(data)


async def secured(sock: socket.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    """The socket with TLS on it; an end without a close_notify is an error (RFC 9112 9.8)."""
    tls = context.wrap_socket(
        sock, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=False
    )
    handshake = Handshake(tls)
    try:
        await handshake.done
    except BaseException:
        handshake.stop()
        tls.close()
        raise
    return tls


async def connected(address: str, port: int, shunned: Shunned | None = None) -> socket.socket:
    """A plain socket to one of the host's addresses, or to a server's own file."""
    places = await _places(address, port)
    if shunned is not None:
        places = await allowed(places, port, shunned)
    if not places:
        raise OSError("the name has no address that may be asked")
    if len(places) > 1:
        return await _first(places)
    family, kind, protocol, where = places[0]
    sock = socket.socket(family, kind, protocol)
    sock.setblocking(False)
    try:
        if family == socket.AF_UNIX:
            await _connect_to_file(sock, where)
        else:
            await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


async def _first(places: list[tuple[int, int, int, Any]]) -> socket.socket:
    """To the first of several addresses that accepts; one that is silent is not waited for (RFC 8305)."""
    from aiohappyeyeballs import start_connection  # few servers have a name with several addresses

    infos = [(family, kind, protocol, "", where) for family, kind, protocol, where in places]
    return await start_connection(infos, happy_eyeballs_delay=STAGGER, interleave=1)


async def _connect_to_file(sock: socket.socket, path: str) -> None:
    """Where the queue of such a listener is full, nothing tells when it no longer is."""
    taken = _connects(sock, path)
    while not taken:
        await asyncio.sleep(QUEUE_FULL)
        taken = _connects(sock, path)


def _connects(sock: socket.socket, path: str) -> bool:
    try:
        sock.connect(path)
    except BlockingIOError:
        return False
    return True


async def _places(address: str, port: int) -> list[tuple[int, int, int, Any]]:
    if address.startswith("/"):
        return [(socket.AF_UNIX, socket.SOCK_STREAM, 0, address)]
    family = _family(address)
    if family is not None:
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, (address, port))]
    # A name: asking for its addresses needs a thread.  Who named it may not be who may read there.
    found = await asyncio.get_running_loop().getaddrinfo(address, port, type=socket.SOCK_STREAM)
    places = [(each, kind, protocol, where) for each, kind, protocol, _, where in found]
    return [place for place in places if not is_cloud_address(str(place[3][0]))]


def _family(address: str) -> socket.AddressFamily | None:
    try:
        return socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    except ValueError:
        return None
