"""SocketTransport: a TCP socket on the poller, with nothing between it and its reader.

It behaves as asyncio's own transport does, at half the cost of each event: that
one asks for a buffer, fills it, tells how much is in it and has it copied.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from proxy.conduit import Conduit
from proxy.poller import READABLE, TROUBLE, WRITABLE, poller, report
from proxy.transport import Receiver, Transport

READ_SIZE: Final = 64 * 1024
LARGE_READ: Final = 192 * 1024
"""Once 64 KiB were there at a time, more will be: fewer and larger steps for large bodies."""
WRITE_HIGH: Final = 64 * 1024
KEEP_ALIVE_PROBES: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
NOTHING: Final = b""

NOBODY: Final = Receiver()
"""For a connection that has ended: each would hold the other."""


class SocketTransport(Transport):
    def __init__(self, sock: socket.socket, receiver: Receiver) -> None:
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poller = poller()
        self._sock = sock
        self._recv: Callable[[int], bytes] = sock.recv
        self._send: Callable[[bytes | bytearray | memoryview], int] = sock.send
        self._fd = sock.fileno()
        self._watched_for = 0
        self._receiver = receiver
        self._unsent: bytes | bytearray = NOTHING
        self._high = WRITE_HIGH
        self._size = READ_SIZE
        self.largest_read = LARGE_READ
        """Octets taken at a time where many are there."""
        self._reading = self._closing = self._ended = self._eof = self._paused = False
        self.inflow: Conduit | None = None
        """What takes what comes, in our place."""
        self.outflow: Conduit | None = None

    @property
    def plain(self) -> bool:
        """Whether bytes are on the wire as they are here."""
        return True

    def ready(self, events: int) -> None:
        if events & (WRITABLE | TROUBLE):
            if self._unsent:
                self._write_more()
            elif self.outflow is not None:
                self.drain()
        if self._reading and events & (READABLE | TROUBLE):
            self.read()

    def _watch(self) -> None:
        """Tell the poller what we wait for; of a socket that it has, it always tells trouble."""
        wanted = self._wanted()
        before, self._watched_for = self._watched_for, wanted
        if wanted == before:
            return
        if not wanted:
            self._poller.forget(self._fd)
        elif before:
            self._poller.change(self._fd, wanted)
        else:
            self._poller.watch(self._fd, self, wanted)

    def _wanted(self) -> int:
        stuck = self._unsent or (self.outflow is not None and self.outflow.blocked)
        return (READABLE if self._reading else 0) | (WRITABLE if stuck else 0)

    # Reading

    def resume_reading(self) -> None:
        if not self._reading and not self._closing:
            self._reading = True
            self._watch()

    def pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._watch()

    def read(self) -> None:
        """Take what the kernel has."""
        if self.inflow is not None:
            self._let_flow(self.inflow)
            return
        try:
            data = self._recv(self._size)
        except OSError as error:
            self._not_read(error)
            return
        size = len(data)
        if size >= READ_SIZE:
            self._size = self.largest_read
        elif self._size > READ_SIZE:
            self._size = READ_SIZE
        try:
            if size:
                self._receiver.data_received(data)
            else:
                self._reached_end()
        except Exception as bug:
            self._fail(bug)

    def _reached_end(self) -> None:
        if self._receiver.eof_received():
            self.pause_reading()
        else:
            self.close()

    def _let_flow(self, conduit: Conduit) -> None:
        try:
            if not conduit.fill(self._fd):
                self._reached_end()
        except OSError as error:
            self._not_read(error)
        except Exception as bug:
            self._fail(bug)

    def drain(self) -> None:
        """Send what the conduit holds for us, as far as the kernel takes it."""
        conduit = self.outflow
        try:
            if conduit is not None and not self._ended:
                conduit.empty(self._fd)
        except OSError as error:
            self._end(error)
        if not self._ended:
            self._watch()

    def _not_read(self, error: OSError) -> None:
        if not isinstance(error, (BlockingIOError, InterruptedError)):
            self._end(error)

    # Writing

    def set_write_buffer_limits(self, high: int) -> None:
        self._high = high

    def get_write_buffer_size(self) -> int:
        return len(self._unsent) + (self.outflow.held if self.outflow is not None else 0)

    def write(self, data: bytes) -> None:
        if self._closing or self._eof:
            return
        if self._unsent:
            self._unsent += data
        else:
            sent = self._send_some(data)
            if sent == len(data) or sent < 0:
                return
            self._unsent = bytearray(memoryview(data)[sent:])
            self._watch()
        if not self._paused and len(self._unsent) > self._high:
            self._paused = True
            self._receiver.pause_writing()

    def _send_some(self, data: bytes | bytearray) -> int:
        """How much the kernel has taken; -1 where the connection has ended."""
        try:
            return self._send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._end(error)
            return -1

    def _write_more(self) -> None:
        unsent = self._unsent
        sent = self._send_some(unsent)
        if sent <= 0 or not isinstance(unsent, bytearray):
            return
        del unsent[:sent]
        try:
            if self._paused and len(unsent) <= self._high // 4:
                self._paused = False
                self._receiver.resume_writing()  # who may write at once
        except Exception as bug:
            self._fail(bug)
        if not self._unsent and not self._ended:
            self._unsent = NOTHING
            self._watch()
            if self._closing:
                self._finish()
            elif self._eof:
                self._shut()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._eof and not self._closing:
            self._eof = True
            if not self._unsent:
                self._shut()

    def _shut(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as error:  # the other side is gone
            self._end(error)

    # Ending

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.pause_reading()
            if not self._unsent:
                self._finish()

    def _finish(self) -> None:
        """Everything is sent."""
        self._end(None)

    def abort(self) -> None:
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._ended = self._closing = True
        self._reading = False
        self._unsent = NOTHING
        self._watch()
        # Not from within what is just being told something else.
        asyncio.get_running_loop().call_soon(self._say_goodbye, error)

    def _say_goodbye(self, error: Exception | None) -> None:
        receiver, self._receiver = self._receiver, NOBODY
        try:
            receiver.connection_lost(error)
        finally:
            self._sock.close()

    def _fail(self, bug: Exception) -> None:
        report("a connection ended by a bug", bug)
        self._end(bug)

    def get_socket(self) -> socket.socket | None:
        return self._sock


def quiet(transport: Transport) -> SocketTransport | None:
    """The transport, where it is a plain socket that is open and has sent everything."""
    if not isinstance(transport, SocketTransport) or not transport.plain or transport.is_closing():
        return None
    return None if transport.get_write_buffer_size() else transport
