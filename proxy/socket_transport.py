"""SocketTransport: a plain TCP socket on the event loop, with nothing between it and its reader.

It behaves as asyncio's own transport does, at half the cost of each event: that
one asks for a buffer, fills it, tells how much is in it and has it copied.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

READ_SIZE: Final = 64 * 1024
LARGE_READ: Final = 192 * 1024
"""Once 64 KiB were there at a time, more will be: fewer and larger steps for large bodies."""
WRITE_HIGH: Final = 64 * 1024
KEEP_ALIVE_PROBES: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Receiver(Protocol):
    """Whose connection it is; called as asyncio calls a protocol."""

    def data_received(self, data: bytes, /) -> None: ...
    def eof_received(self) -> bool: ...
    def connection_lost(self, exc: Exception | None, /) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class SocketTransport(asyncio.Transport):
    __slots__ = (
        "_closing", "_ended", "_eof", "_fd", "_high", "_loop", "_paused", "_reading", "_receive", "_receiver",
        "_size", "_sock", "_unsent",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, receiver: Receiver) -> None:
        super().__init__()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._fd = sock.fileno()
        self._receiver = receiver
        self._receive: Callable[[bytes], None] = receiver.data_received
        self._unsent = bytearray()
        self._high = WRITE_HIGH
        self._size = READ_SIZE
        self._reading = self._closing = self._ended = self._eof = self._paused = False

    # Reading

    def resume_reading(self) -> None:
        if not self._reading and not self._closing:
            self._reading = True
            self._loop.add_reader(self._fd, self.read)

    def pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def is_reading(self) -> bool:
        return self._reading

    def read(self) -> None:
        """Take what the kernel has."""
        try:
            data = self._sock.recv(self._size)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        self._size = LARGE_READ if len(data) >= READ_SIZE else READ_SIZE
        try:
            if data:
                self._receive(data)
            elif self._receiver.eof_received():
                self.pause_reading()
            else:
                self.close()
        except Exception as bug:
            self._fail(bug)

    # Writing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = WRITE_HIGH if high is None else high

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def write(self, data: Any) -> None:
        """Send what the kernel takes at once; the rest waits."""
        if self._closing:
            return
        if not self._unsent:
            try:
                sent = self._sock.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._end(error)
                return
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
            self._loop.add_writer(self._fd, self._write_more)
        self._unsent += data
        if not self._paused and len(self._unsent) > self._high:
            self._paused = True
            self._receiver.pause_writing()

    def _write_more(self) -> None:
        try:
            sent = self._sock.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        del self._unsent[:sent]
        try:
            if self._paused and len(self._unsent) <= self._high // 4:
                self._paused = False
                self._receiver.resume_writing()  # who may write at once
        except Exception as bug:
            self._fail(bug)
        if not self._unsent and not self._ended:
            self._loop.remove_writer(self._fd)
            if self._closing:
                self._end(None)
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
        """End when everything is sent."""
        if not self._closing:
            self._closing = True
            self.pause_reading()
            if not self._unsent:
                self._end(None)

    def abort(self) -> None:
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._ended = True
        if self._unsent:
            self._unsent.clear()
            self._loop.remove_writer(self._fd)
        self.pause_reading()
        self._closing = True
        # Not from within what is just being told something else.
        self._loop.call_soon(self._say_goodbye, error)

    def _say_goodbye(self, error: Exception | None) -> None:
        try:
            self._receiver.connection_lost(error)
        finally:
            self._sock.close()
            del self._receive, self._receiver  # each holds the other

    def _fail(self, bug: Exception) -> None:
        self._loop.call_exception_handler(
            {"message": "a connection ended by a bug", "exception": bug, "transport": self}
        )
        self._end(bug)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._sock if name == "socket" else default
