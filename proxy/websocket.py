"""WebSocket: where the frames of one direction begin and end.  Nothing is re-assembled, nothing is held."""

from __future__ import annotations

import struct
from typing import Final

CLOSE: Final = 0x8
GOING_AWAY: Final = 1001
LONGEST_HEADER: Final = 14


def close_frame(status: int, mask: bytes = b"") -> bytes:
    """A close frame with its status (RFC 6455 5.5.1); one to a server is masked with four octets (5.3)."""
    payload = struct.pack("!H", status)
    if mask:
        payload = bytes(octet ^ mask[index % 4] for index, octet in enumerate(payload))
    return bytes((0x80 | CLOSE, (0x80 if mask else 0) | len(payload))) + mask + payload


class Frames:
    """Follows a stream of frames (RFC 6455 5.2), however it is cut."""

    __slots__ = ("_header", "_left", "closed")

    def __init__(self) -> None:
        self._header = bytearray()
        self._left = 0
        self.closed = False
        """A close frame has begun: nothing may follow it (5.5.1)."""

    @property
    def between(self) -> bool:
        """Whether another frame may stand here.  Control frames may stand inside a message (5.4)."""
        return not self._left and not self._header

    def skip(self, data: bytes, at: int = 0) -> int:
        """Follow `data` from `at` to the end of the frame that is there, or of `data`; where that is."""
        if not self._left:
            at = self._read_header(data, at)
        taken = min(self._left, len(data) - at)
        self._left -= taken
        return at + taken

    def feed(self, data: bytes) -> None:
        at, end = 0, len(data)
        while at < end:
            at = self.skip(data, at)

    def _read_header(self, data: bytes, at: int) -> int:
        """Collect a header until it is whole; it tells its own length with its second octet."""
        header = self._header
        have = len(header)
        header += data[at : at + LONGEST_HEADER - have]
        size = _header_size(header)
        if len(header) < size:
            return at + len(header) - have
        del header[size:]
        self._left = _payload_size(header)
        self.closed = self.closed or header[0] & 0x0F == CLOSE
        header.clear()
        return at + size - have


def _header_size(header: bytearray) -> int:
    if len(header) < 2:
        return 2
    mask = 4 if header[1] & 0x80 else 0
    return 2 + {126: 2, 127: 8}.get(header[1] & 0x7F, 0) + mask


def _payload_size(header: bytearray) -> int:
    length = header[1] & 0x7F
    if length == 126:
        return int.from_bytes(header[2:4], "big")
    if length == 127:
        return int.from_bytes(header[2:10], "big")
    return length
