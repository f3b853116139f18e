"""Farewell: what a server of HTTP/2 says when it takes no more requests on a connection (GOAWAY).

    octets -> octets for h2, farewells for us

h2 takes the first GOAWAY for the end of everything, though the server goes on
to answer what it has accepted (RFC 9113 6.8): apps say one when they are
stopped, and gRPC's servers now and then for their own reasons.
"""

from __future__ import annotations

from typing import Final

from proxy.exchange import UpstreamError
from proxy.frozen import frozen

HEADER: Final = 9
SETTINGS: Final = 4
GOAWAY: Final = 7
SHORTEST: Final = 8
LARGEST: Final = 16 * 1024
"""Octets of a frame, unless we say otherwise (RFC 9113 4.2)."""


@frozen
class Farewell:
    """Requests with higher numbers than `last` were not looked at and may be asked again elsewhere."""

    last: int
    code: int


class Sieve:
    """Takes farewells out of what a server sends; frames of other kinds pass in any pieces.

    It sees how long a frame will be: h2 would first wait for all of it, 16 MiB of whatever HTTP/1.1 says.
    """

    def __init__(self) -> None:
        self._left = 0
        """Octets to come of a frame that passes."""
        self._begun = b""
        """The beginning of a frame of which it is not known yet whether it passes, or of a farewell."""
        self._first = True

    def sift(self, data: bytes) -> list[bytes | Farewell]:
        """What is in `data`, in its order; UpstreamError where that cannot be HTTP/2."""
        data, self._begun = self._begun + data, b""
        found: list[bytes | Farewell] = []
        start, at = 0, min(self._left, len(data))
        self._left -= at
        while len(data) - at >= HEADER:
            end = at + HEADER + self._length(data, at)
            if not _is_farewell(data, at, end):
                self._left = max(0, end - len(data))
                at = min(end, len(data))
            elif end > len(data):
                break
            else:
                if at > start:
                    found.append(data[start:at])
                last = int.from_bytes(data[at + 9 : at + 13]) & 0x7FFFFFFF
                found.append(Farewell(last, int.from_bytes(data[at + 13 : at + 17])))
                start = at = end
        self._begun = data[at:]
        if at > start:
            found.append(data[start:at])
        return found

    def _length(self, data: bytes, at: int) -> int:
        """That of the frame which begins there."""
        length = int.from_bytes(data[at : at + 3])
        if length > LARGEST or (self._first and data[at + 3] != SETTINGS):  # RFC 9113 3.4
            raise UpstreamError("the server does not speak HTTP/2")
        self._first = False
        return length


def _is_farewell(data: bytes, at: int, end: int) -> bool:
    """A malformed one is left to h2, which complains of it."""
    whole = not int.from_bytes(data[at + 5 : at + HEADER]) & 0x7FFFFFFF  # of the connection, not of a stream
    return data[at + 3] == GOAWAY and whole and end - at - HEADER >= SHORTEST
