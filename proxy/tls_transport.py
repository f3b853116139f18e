"""TLSTransport: a socket with TLS on it; OpenSSL reads and writes the descriptor itself.

asyncio's TLS keeps buffers of its own for each connection and copies every byte
twice: 285 KiB an idle connection against 16 here, and half the speed (measured).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from proxy.poller import READABLE, TROUBLE, WRITABLE, Watched, poller
from proxy.socket_transport import SocketTransport
from proxy.tls_options import TLSOptions
from proxy.transport import Receiver

RECORD: Final = 16 * 1024
"""Plaintext octets of a record at most (RFC 8446 5.1): one read takes what OpenSSL has opened, to its end."""

NOT: Final = 0
TO_READ: Final = 1
TO_SHUT: Final = 2
TO_FINISH: Final = 3


class TLSTransport(SocketTransport):
    """`sock` has shaken hands."""

    def __init__(self, sock: ssl.SSLSocket, receiver: Receiver, agreed: TLSOptions | None = None) -> None:
        super().__init__(sock, receiver)
        self._agreed = agreed
        self._tls = sock
        self._recv = sock.read
        self._send = sock.write
        self._size = RECORD
        self._waiting = NOT

    @property
    def plain(self) -> bool:
        return False

    @property
    def agreed(self) -> TLSOptions | None:
        return self._agreed

    def peer_certificate(self) -> bytes:
        return self._tls.getpeercert(binary_form=True) or b""

    def ready(self, events: int) -> None:
        if self._waiting == NOT:
            super().ready(events)
        elif events & (WRITABLE | TROUBLE):
            self._go_on()

    def _wanted(self) -> int:
        if self._waiting == NOT:
            return super()._wanted()
        return 0 if self._ended else WRITABLE

    def _wait(self, what: int) -> None:
        """OpenSSL has something of its own to say (new keys, the end) and the kernel has no room for it.

        Until then the socket is not read: it would be readable all the time.
        """
        self._waiting = what
        self._watch()

    def _go_on(self) -> None:
        what, self._waiting = self._waiting, NOT
        if what == TO_SHUT:
            self._shut()
        elif what == TO_FINISH:
            self._finish()
        elif self._reading:
            self.read()
        if not self._ended:
            self._watch()

    def get_write_buffer_size(self) -> int:
        """A goodbye that waits is one octet: who does not take it is cut as for any other."""
        return super().get_write_buffer_size() + (1 if self._waiting != NOT else 0)

    def _not_read(self, error: OSError) -> None:
        if isinstance(error, ssl.SSLWantWriteError):
            self._wait(TO_READ)
        elif not isinstance(error, ssl.SSLWantReadError):
            super()._not_read(error)

    def _send_some(self, data: bytes | bytearray) -> int:
        """One record after the other, as OpenSSL does it."""
        sent, size = 0, len(data)
        rest: bytes | bytearray | memoryview = data
        try:
            while sent < size:
                if sent:
                    rest = memoryview(data)[sent:]
                sent += self._send(rest)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError, InterruptedError):
            return sent
        except OSError as error:
            self._end(error)
            return -1
        finally:
            if isinstance(rest, memoryview):
                rest.release()  # of what waits, or it could not shrink
        return sent

    def can_write_eof(self) -> bool:
        return False

    def _shut(self) -> None:
        """A close_notify and the end of the stream; from here on bytes come as they are on the wire."""
        if self._notified():
            super()._shut()  # the socket drops its TLS with this
            self._recv = self._tls.recv
        else:
            self._wait(TO_SHUT)

    def _finish(self) -> None:
        if self._waiting == TO_SHUT:
            self._wait(TO_FINISH)
        elif self._notified():
            super()._finish()
        else:
            self._wait(TO_FINISH)

    def _notified(self) -> bool:
        """Say the end (RFC 8446 6.1), without waiting for the other side's; False while there is no room."""
        try:
            self._tls.unwrap()
        except ssl.SSLWantWriteError:
            return False
        except (OSError, ValueError):  # it wants to read the other one's goodbye, or there is nobody any more
            return True
        return True


class Handshake(Watched):
    """Of a socket that we connected."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock
        self._descriptor = sock.fileno()
        self._poller = poller()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poller.watch(self._descriptor, self, WRITABLE)

    def ready(self, events: int) -> None:
        try:
            wanted = shake(self._sock)
        except Exception as error:
            self._settle(error)
            return
        if wanted:
            self._poller.change(self._descriptor, wanted)
        else:
            self._settle(None)

    def _settle(self, error: Exception | None) -> None:
        self.stop()
        if not self.done.done():
            if error:
                self.done.set_exception(error)
            else:
                self.done.set_result(None)

    def stop(self) -> None:
        self._poller.forget(self._descriptor)


def shake(sock: ssl.SSLSocket) -> int:
    """Go on with a handshake: the event that it waits for, 0 when it is done."""
    try:
        sock.do_handshake()
    except ssl.SSLWantReadError:
        return READABLE
    except ssl.SSLWantWriteError:
        return WRITABLE
    return 0
