"""Wire: a client's socket.  Who may read and write when, and how it is closed."""

from __future__ import annotations

import asyncio
import fcntl
import select
import socket
import struct
import sys
import termios
from typing import Final

from proxy.socket_transport import SocketTransport, quiet
from proxy.tls_options import TLSOptions
from proxy.transport import Transport

UNSENT = 32 * 1024
"""Bytes that may wait for a slow client before whoever writes is made to wait."""


class Hold:
    """Who keeps a client's socket from being read; several may at once, hence bits."""

    PIPELINED: Final = 1
    SERVER: Final = 2
    UNSENT: Final = 4
    AIOHTTP: Final = 8
    UPGRADED: Final = 16


class Wire:
    def __init__(self, transport: Transport, now: float) -> None:
        self._transport = transport
        self._holds = 0
        self._writable: asyncio.Future[None] | None = None
        self._unsent = 0
        self._sent_at = now
        transport.set_write_buffer_limits(UNSENT)

    @property
    def certificate(self) -> bytes:
        """What the client has proved to be (DER)."""
        return self._transport.peer_certificate()

    @property
    def agreed(self) -> TLSOptions | None:
        """The terms of its handshake; None without TLS."""
        return self._transport.agreed

    # Reading: whoever cannot take more holds, and the socket is read while nobody does.

    @property
    def held(self) -> bool:
        return self._holds != 0

    def hold(self, reason: int) -> None:
        if not self._holds:
            self._transport.pause_reading()
        self._holds |= reason

    def release(self, reasons: int) -> bool:
        """Whether the socket is read again because of this."""
        before = self._holds
        self._holds &= ~reasons
        if before and not self._holds and not self._transport.is_closing():
            self._transport.resume_reading()
            return True
        return False

    def release_all(self) -> None:
        self.release(self._holds)

    def reset_unheard(self) -> bool:
        """Whether the client has reset the connection while it is not read: the loop does not look then."""
        sock = self._transport.get_socket()
        if not self._holds or sock is None or sock.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(sock.fileno(), 0)  # an error is always told
        return bool(poll.poll(0))

    def quiet_socket(self) -> SocketTransport | None:
        """The plain socket, where nothing waits to be sent: what flows into it comes next."""
        return quiet(self._transport)

    # Writing

    @property
    def unsent(self) -> int:
        return self._transport.get_write_buffer_size()

    def send(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError("the client left")
        self._transport.write(data)

    @property
    def open(self) -> bool:
        return not self._transport.is_closing()

    def send_if_open(self, data: bytes) -> None:
        """For an answer of our own: a client that has left misses nothing."""
        if not self._transport.is_closing():
            self._transport.write(data)

    @property
    def full(self) -> bool:
        """The client is slow: enough waits for it."""
        return self._writable is not None

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable and not writable.done():
            writable.set_result(None)

    async def drain(self) -> None:
        """Wait while the client is slow."""
        while self._writable:
            await asyncio.shield(self._writable)
        if self._transport.is_closing():
            raise ConnectionResetError("the client left")

    def stalled(self, now: float, patience: float) -> bool:
        """Whether the client has taken nothing of what waits for it for longer than that.

        The kernel's queue counts, too: after a fast beginning it holds
        megabytes, which a slow client takes minutes for while our own buffer
        does not move.  Growth is no reason to doubt: what may wait is bounded.
        """
        unsent = self.unsent
        if unsent:
            unsent += self._queued_in_kernel()
        if not unsent or unsent != self._unsent:
            self._unsent, self._sent_at = unsent, now
        return now - self._sent_at > patience

    def _queued_in_kernel(self) -> int:
        sock = self._transport.get_socket()
        if sock is None:
            return 0
        try:
            return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        except (OSError, ValueError):  # closed meanwhile
            return 0

    # Closing

    def send_eof(self) -> None:
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()

    def linger(self) -> None:
        """Say that nothing more comes, while input is still read.

        Closing with unread input makes the system send a reset, which can
        overtake the last answer (RFC 9112 9.6).
        """
        self.release_all()
        if not self._transport.is_closing():
            self._transport.write_eof()

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def reset(self) -> None:
        """End so that the client sees an error and not an end."""
        sock = self._transport.get_socket()
        if sock is not None and not self._transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
