"""Corpus reading: what came out of a proxy, on either side, read as strictly as RFC 9112 allows.

Tidegate writes everything in one way only, and that is what is asked of it; of others (`canonical=False`)
what the grammar asks.

Written apart from the proxy's own scanner on purpose: a mistake there must not excuse itself here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.1")
STATUS_LINE = re.compile(r"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)")
FIELD_LINE = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?"
    r"((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)"
)
SIZE_LINE = re.compile(r"[1-9a-f][0-9a-f]{0,14}|0")
ANY_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.[01]")
ANY_STATUS_LINE = re.compile(r"HTTP/1\.[01] ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?")
ANY_FIELD_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
"""RFC 9110 5.5 lets a recipient keep control characters, but for CR, LF and NUL."""
ANY_SIZE_LINE = re.compile(r"([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


class Malformed(AssertionError):
    """Something left Tidegate that two readers could understand differently."""


@dataclass
class Message:
    start: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    whole: bool = True

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name]

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def line(self) -> str:
        return self.start.removesuffix(" HTTP/1.1")


def read_requests(data: bytes, *, canonical: bool = True) -> list[Message]:
    """The requests of one connection; only the last may be unfinished."""
    found: list[Message] = []
    while data:
        head, data = _head(data, REQUEST_LINE if canonical else ANY_REQUEST_LINE, canonical)
        if head is None:
            break
        old = not canonical and head.start.endswith("1.0")
        if not old and (len(head.all("host")) != 1 or not head.all("host")[0]):
            raise Malformed(f"not one Host: {head.fields}")
        if canonical:
            _check_hop(head)
        else:
            _length(head, canonical=False)
        data = _content(
            head,
            data,
            None if head.all("transfer-encoding") else _length(head, canonical=canonical) or 0,
            canonical,
        )
        found.append(head)
        if head.all("upgrade"):
            break
    return found


def read_responses(data: bytes, methods: list[str], closed: bool, *, canonical: bool = True) -> list[Message]:
    """The responses of one connection to requests of these methods, interim ones among them."""
    found: list[Message] = []
    waiting = list(methods)
    while data:
        head, data = _head(data, STATUS_LINE if canonical else ANY_STATUS_LINE, canonical)
        if head is None:
            raise Malformed("half a head")
        found.append(head)
        if head.status < 200:
            _check_bodiless(head)
            if head.status == 101:
                head.body = data
                return found
            continue
        method = waiting.pop(0) if waiting else "GET"
        if head.status == 204:
            if canonical:
                _check_bodiless(head)
        elif method == "HEAD" or head.status == 304:
            _length(head, canonical=canonical)
        elif head.all("transfer-encoding"):
            _length(head, canonical=canonical)
            data = _content(head, data, None, canonical)
        elif (length := _length(head, canonical=canonical)) is not None:
            data = _content(head, data, length, canonical)
        else:
            head.body, data, head.whole = data, b"", closed
            if canonical and head.all("connection") != ["close"]:
                raise Malformed("an answer without an end")
        if "close" in head.all("connection") and data:
            raise Malformed(f"bytes after the last answer: {data[:80]!r}")
    return found


def _head(data: bytes, first: re.Pattern[str], canonical: bool) -> tuple[Message | None, bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")
    if not first.fullmatch(start):
        raise Malformed(f"a start line: {start[:200]!r}")
    fields = [_field(line, canonical) for line in (lines if end else lines[:-1])]
    return (Message(start, fields), rest) if end else (None, b"")


def _field(line: str, canonical: bool) -> tuple[str, str]:
    found = (FIELD_LINE if canonical else ANY_FIELD_LINE).fullmatch(line)
    if not found:
        raise Malformed(f"a field line: {line[:200]!r}")
    return found[1], found[2]


def _length(head: Message, *, canonical: bool = True) -> int | None:
    lengths, codings = head.all("content-length"), head.all("transfer-encoding")
    if not canonical:
        codings = [coding.lower() for coding in codings]
    if len(lengths) + len(codings) > 1 or codings not in ([], ["chunked"]):
        raise Malformed(f"framed twice: {head.fields}")
    if lengths and not re.fullmatch("[0-9]{1,18}" if canonical else "[0-9]{1,40}", lengths[0]):
        raise Malformed(f"a length: {lengths}")
    return int(lengths[0]) if lengths else None


def _check_bodiless(head: Message) -> None:
    if head.all("content-length") or head.all("transfer-encoding"):
        raise Malformed(f"content announced where none is: {head.start}")


def _check_hop(head: Message) -> None:
    """Nothing of the client's hop may be seen by the app (RFC 9110 7.6.1)."""
    _length(head)
    options = [option.strip().lower() for value in head.all("connection") for option in value.split(",")]
    allowed = {"upgrade": "upgrade", "te": "te"}
    for option in options:
        if option not in allowed or len(head.all(allowed[option])) != 1:
            raise Malformed(f"Connection: {options}")
    for name in ("keep-alive", "proxy-connection", "proxy-authorization", "http2-settings", "proxy"):
        if head.all(name):
            raise Malformed(f"{name} reached the app")
    if head.all("te") not in ([], ["trailers"]):
        raise Malformed(f"TE: {head.all('te')}")


def _content(head: Message, data: bytes, length: int | None, canonical: bool) -> bytes:
    """Take the content off `data`; None is chunked."""
    if length is not None:
        head.body, head.whole = data[:length], len(data) >= length
        return data[length:]
    while True:
        size, end, data = data.partition(b"\r\n")
        if not end:
            head.whole = False
            return b""
        found = (SIZE_LINE if canonical else ANY_SIZE_LINE).fullmatch(size.decode("latin-1"))
        if not found:
            raise Malformed(f"a chunk size: {size[:80]!r}")
        count = int(size.partition(b";")[0], 16)
        if not count:
            return _trailers(head, data, canonical)
        head.body += data[:count]
        if data[count : count + 2] != b"\r\n"[: max(0, len(data) - count)]:
            raise Malformed("a chunk without its end")
        data = data[count + 2 :]


def _trailers(head: Message, data: bytes, canonical: bool) -> bytes:
    while True:
        line, end, data = data.partition(b"\r\n")
        if not end:
            head.whole = False
            return b""
        if not line:
            return data
        head.trailers.append(_field(line.decode("latin-1"), canonical))
