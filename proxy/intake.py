"""Intake: a request's content on its way from the client to a lane, checked."""

from __future__ import annotations

from proxy.exchange import Fields
from proxy.framing import NO_BODY, BodyReader, Framing, LengthReader, reader_of, write_chunk


class Intake:
    """The checked content of one request, piece by piece."""

    def __init__(self, reader: BodyReader, chunked: bool) -> None:
        self._reader = reader
        self._chunked = chunked
        self.size = 0

    @classmethod
    def of(cls, framing: Framing) -> Intake | None:
        """None for a request that has no content to wait for."""
        if framing is NO_BODY:
            return None
        reader = reader_of(framing)
        return None if reader.done else cls(reader, framing.kind == "chunked")

    @property
    def ended(self) -> bool:
        return self._reader.done

    @property
    def trailers(self) -> Fields:
        return self._reader.trailers

    def take(self, pending: bytearray) -> bytes:
        """The next of the content.  What belongs to the next request stays in `pending`."""
        content = self._reader.feed(bytes(pending))
        pending[:] = self._reader.surplus if self.ended else b""
        self.size += len(content)
        return content

    @property
    def left(self) -> int:
        """Octets to come, as far as that is known."""
        return self._reader.left if isinstance(self._reader, LengthReader) else 0

    def skip(self, count: int) -> None:
        """So much of it went another way: where the length is known, nothing else is checked."""
        if isinstance(self._reader, LengthReader):
            self._reader.skip(count)
            self.size += count

    def framed(self, content: bytes) -> bytes:
        """As aiohttp gets it."""
        if not self._chunked:
            return content
        return write_chunk(content) + (b"0\r\n\r\n" if self.ended else b"")
