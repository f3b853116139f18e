"""Transport: a connection as its reader and writer see it, plain or TLS; Receiver: who is told of it.

The names are asyncio's.  Classes and not protocols, because compiled code calls
a method of a class ten times faster.
"""

from __future__ import annotations

import socket

from mypy_extensions import mypyc_attr

from proxy.poller import Watched
from proxy.tls_options import TLSOptions


@mypyc_attr(allow_interpreted_subclasses=True)
class Receiver:
    """Whose connection it is."""

    def data_received(self, data: bytes) -> None:
        raise NotImplementedError

    def eof_received(self) -> bool:
        """The other side sends no more; whether the connection stays open the other way."""
        raise NotImplementedError

    def connection_lost(self, exc: Exception | None) -> None:
        raise NotImplementedError

    def pause_writing(self) -> None:
        """Enough waits to be sent."""
        raise NotImplementedError

    def resume_writing(self) -> None:
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class Transport(Watched):
    def resume_reading(self) -> None:
        raise NotImplementedError

    def pause_reading(self) -> None:
        raise NotImplementedError

    def set_write_buffer_limits(self, high: int) -> None:
        """Octets that may wait before the receiver is asked to pause."""
        raise NotImplementedError

    def get_write_buffer_size(self) -> int:
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        """Send what the kernel takes at once; the rest waits."""
        raise NotImplementedError

    def can_write_eof(self) -> bool:
        """Whether one direction can end alone; never so over TLS."""
        raise NotImplementedError

    def write_eof(self) -> None:
        """End this direction once everything is sent.

        Over TLS, what comes afterwards is still told, but can only be thrown away.
        """
        raise NotImplementedError

    def is_closing(self) -> bool:
        raise NotImplementedError

    def close(self) -> None:
        """End when everything is sent."""
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError

    @property
    def agreed(self) -> TLSOptions | None:
        """On which terms a client has shaken hands with us; None without TLS."""
        return None

    def peer_certificate(self) -> bytes:
        """What the other side has proved to be (DER); empty where it was not asked, and without TLS."""
        return b""

    def get_socket(self) -> socket.socket | None:
        """None where there is none, as in tests."""
        raise NotImplementedError
