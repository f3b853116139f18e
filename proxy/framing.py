"""Framing: where a message's content begins and ends (RFC 9112 6 and 7), read and written.

A reader takes bytes as they arrive, in any pieces, and says what is content,
whether the message has ended, and what came after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias

from proxy.exchange import Fields
from proxy.fields import CONTROLS, BadHead, MessageError, check_beginning, scan_section, write_section

Kind: TypeAlias = Literal["none", "length", "chunked", "close"]


@dataclass(init=False, unsafe_hash=True)
class Framing:
    """How a message's length is told; `length` is None where only its end tells."""

    kind: Final[Kind]
    length: Final[int | None]

    def __init__(self, kind: Kind, length: int | None = None) -> None:
        self.kind = kind
        self.length = length


NO_BODY: Final = Framing("none", 0)
CHUNKED: Final = Framing("chunked")
UNTIL_CLOSE: Final = Framing("close")
"""A response's alone: it ends where its connection ends (RFC 9112 6.3, case 8)."""

CR: Final = 0x0D
LONGEST_SIZE: Final = 15  # hex digits: 2**60 and nobody's integer overflows
LONGEST_EXTENSION: Final = (
    256  # a chunk of one byte with kilobytes of extension was an attack on Go (CVE-2023-39326)
)
LARGEST_TRAILERS: Final = 8 * 1024
MOST_TRAILERS: Final = 32
HEX: Final = b"0123456789abcdefABCDEF"
SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]{0,256})?\r\n")
"""What `chunk_size` takes; whatever else there is, it refuses."""
_ODD: Final = re.compile("[^a-z0-9-]")

# RFC 9110 6.5.1: nothing that frames, routes, modifies, authenticates, controls or says what the content is.
FORBIDDEN_TRAILERS: Final = frozenset(
    ("transfer-encoding", "content-length", "connection", "keep-alive", "proxy-connection", "upgrade",
     "http2-settings", "te", "trailer", "host", "forwarded", "via", "x-real-ip",
     "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip", "x-original-url",
     "x-original-uri", "x-original-host", "x-rewrite-url", "x-host", "x-http-method-override", "proxy",
     "remote-user", "remote-groups", "remote-name", "remote-email", "x-remote-user", "x-webauth-user",
     "expect", "max-forwards",
     "cache-control", "pragma", "range", "if-match", "if-none-match", "if-modified-since",
     "if-unmodified-since", "if-range", "authorization", "www-authenticate", "proxy-authenticate",
     "proxy-authorization", "proxy-authentication-info", "authentication-info", "cookie", "set-cookie",
     "origin", "age", "date", "expires", "location", "retry-after", "vary", "warning",
     "content-encoding", "content-type", "content-range", "content-security-policy")
)  # fmt: skip


class BadBody(MessageError):
    """The content's framing is malformed."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(status, reason)


class BodyReader(Protocol):
    """Finds the end of one message's content in a stream of bytes."""

    done: bool
    """The message has ended."""
    surplus: bytes
    """What came after its end, once done."""
    trailers: Fields

    def feed(self, data: bytes) -> bytes:
        """The content in `data`; BadBody where the framing is malformed.  Not to be called once done."""

    def end(self) -> bool:
        """No more bytes will come: whether the message is complete."""


def reader_of(framing: Framing) -> BodyReader:
    if framing.kind == "chunked":
        return ChunkReader()
    if framing.kind == "close":
        return CloseReader()
    return LengthReader(framing.length or 0)


class LengthReader:
    """Content of a length that was announced; none at all where it is 0."""

    __slots__ = ("_left", "done", "surplus", "trailers")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.surplus = b""
        self.trailers: Fields = ()

    def feed(self, data: bytes) -> bytes:
        left = self._left - len(data)
        if left > 0:
            self._left = left
            return data
        self.done = True
        if left == 0:
            return data
        self.surplus = data[left:]
        return data[: self._left]

    @property
    def left(self) -> int:
        """Octets to come."""
        return self._left

    def skip(self, count: int) -> None:
        """So much of the content went another way."""
        self._left -= count
        self.done = self._left == 0

    def end(self) -> bool:
        return self.done


class CloseReader:
    """Content that ends with its connection."""

    __slots__ = ("done", "surplus", "trailers")

    def __init__(self) -> None:
        self.done = False
        self.surplus = b""
        self.trailers: Fields = ()

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bool:
        self.done = True
        return True


class Awaited(Enum):
    SIZE = "the size of a chunk"
    DATA = "the data of a chunk"
    END = "the end of a chunk"
    TRAILERS = "trailers"


class ChunkReader:
    """Chunked content (RFC 9112 7.1), exactly as its grammar has it: extensions are bounded and left out."""

    __slots__ = ("_awaited", "_left", "_rest", "done", "surplus", "trailers")

    def __init__(self) -> None:
        self._awaited = Awaited.SIZE
        self._left = 0
        self._rest = b""
        self.done = False
        self.surplus = b""
        self.trailers: Fields = ()

    def feed(self, data: bytes) -> bytes:
        if self._rest:
            data = self._rest + data
            self._rest = b""
        pieces: list[bytes] = []
        at = 0
        while at < len(data) and not self.done:
            if self._awaited is Awaited.SIZE:
                at = _whole_chunks(data, at, pieces)
                if at == len(data):
                    break
            if self._awaited is Awaited.DATA:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._awaited = Awaited.END
                continue
            after = self._step(data, at)
            if after == at:
                self._rest = data[at:]
                break
            at = after
        if self.done:
            self.surplus = data[at:]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def end(self) -> bool:
        return self.done

    def _step(self, data: bytes, at: int) -> int:
        """Read one line or section; where it ends, or `at` while it is not whole."""
        if self._awaited is Awaited.SIZE:
            return self._size(data, at)
        if self._awaited is Awaited.END:
            return self._end_of_chunk(data, at)
        return self._trailers(data, at)

    def _size(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at, at + LONGEST_SIZE + LONGEST_EXTENSION + 2)
        if end < 0:
            self._check_unfinished(data, at)
            return at
        # Not by a slice: of an octet before the first one, mypyc 2.4 makes a SystemError.
        if end == at or data[end - 1] != CR:
            raise BadBody("a chunk size does not end with CR LF")
        self._left = chunk_size(data[at : end - 1])
        self._awaited = Awaited.DATA if self._left else Awaited.TRAILERS
        return end + 1

    def _check_unfinished(self, data: bytes, at: int) -> None:
        if len(data) - at > LONGEST_SIZE + LONGEST_EXTENSION + 1:
            raise BadBody("a chunk size line is too long")
        line = data[at:]
        if b"\r" in line[:-1]:
            raise BadBody("a bare CR in a chunk size line")
        # Whoever sends no chunks at all hears so now and not when the time is up.
        chunk_size(line.removesuffix(b"\r"))

    def _end_of_chunk(self, data: bytes, at: int) -> int:
        end = data[at : at + 2]
        if end == b"\r\n":
            self._awaited = Awaited.SIZE
            return at + 2
        if end == b"\r":
            return at
        raise BadBody("a chunk is longer or shorter than its size says")

    def _trailers(self, data: bytes, at: int) -> int:
        if data.startswith(b"\r\n", at):
            self.done = True
            return at + 2
        end = data.find(b"\r\n\r\n", at, at + LARGEST_TRAILERS)
        try:
            if end < 0:
                if len(data) - at >= LARGEST_TRAILERS:
                    raise BadHead(431, "trailers are too large")
                check_beginning(data[at:])
                return at
            found = scan_section(data[at : end + 2], MOST_TRAILERS)
        except BadHead as bad:
            raise BadBody(f"trailers: {bad.reason}", bad.status) from None
        self.trailers = allowed_trailers(found)
        self.done = True
        return end + 4


def _whole_chunks(data: bytes, at: int, pieces: list[bytes]) -> int:
    """Take the chunks that are plainly whole; where the first one begins that has to be looked at closely.

    Chunks of one octet are how a client makes us work: 6 octets of its bandwidth for each.
    """
    while (line := SIZE_LINE.match(data, at)) and (size := int(line[1], 16)):
        start = line.end()
        end = start + size
        if data[end : end + 2] != b"\r\n":
            break
        pieces.append(data[start:end])
        at = end + 2
    return at


def chunk_size(line: bytes) -> int:
    """A chunk's size from its line without CR LF.

    `int()` alone would take `0x5`, `+5`, `5_0` and ` 5`; other readers take
    other things.  White space before an extension is BWS (RFC 9112 7.1.1) that
    nobody sends, and it is refused.
    """
    digits, _, extension = line.partition(b";")
    if not digits or len(digits) > LONGEST_SIZE or digits.translate(None, HEX):
        raise BadBody("a malformed chunk size")
    if len(extension) > LONGEST_EXTENSION:
        raise BadBody("a chunk extension is too long")
    if extension and len(extension.translate(None, CONTROLS + b"\r\n")) != len(extension):
        raise BadBody("a control character in a chunk extension")
    return int(digits, 16)


def allowed_trailers(fields: Fields) -> Fields:
    """Without what would change how the message is framed, routed or believed, had it come in the head.

    CGI makes one name of `X-Real_Ip` and `X-Real-Ip`, so they are one here.
    """
    return tuple(line for line in fields if not _forbidden(_ODD.sub("-", line[0].lower())))


def _forbidden(name: str) -> bool:
    return name in FORBIDDEN_TRAILERS or name.startswith("x-forwarded")


def write_chunk(data: bytes) -> bytes:
    """One chunk; no data makes no chunk, because an empty one would end the message."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def write_last_chunk(trailers: Fields = ()) -> bytes:
    return b"0\r\n" + write_section("", allowed_trailers(trailers))
