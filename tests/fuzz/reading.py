"""Reading: HTTP/1.1 as aiohttp's C parser and httptools read it, as values that can be compared.

Both stand on llhttp, each with settings and a layer of its own; aiohttp reads requests strictly and
responses leniently.  Neither knows anything of Tidegate's readers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httptools
from aiohttp import EMPTY_PAYLOAD
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, HttpResponseParser
from httptools.parser.errors import HttpParserError, HttpParserUpgrade

Pairs: TypeAlias = tuple[tuple[str, str], ...]

LOOP = asyncio.new_event_loop()
"""Never run: aiohttp's parser wants one beside it."""
WIDE: dict[str, int] = {"max_line_size": 2**20, "max_field_size": 2**20, "max_headers": 2**16}


class RefusedError(Exception):
    """The reader took the bytes for malformed."""


@dataclass(slots=True)
class Reading:
    """One message.  `start` is method and target, or status and reason; text is latin-1."""

    start: tuple[str, str]
    version: str
    fields: Pairs
    keeps: bool
    upgrades: bool
    content: bytes = b""
    whole: bool = False
    trailers: Pairs | None = None
    """None where the reader does not tell."""


Reader: TypeAlias = Callable[[Iterable[bytes]], list[Reading]]
"""Messages of one connection, its bytes arriving in these pieces."""


def text(raw: bytes) -> str:
    return raw.decode("latin-1")


def by_aiohttp(pieces: Iterable[bytes], *, answers: bool = False, bodiless: bool = False) -> list[Reading]:
    """`bodiless` are answers to HEAD."""
    protocol = BaseProtocol(LOOP)
    parser: Any = (
        HttpResponseParser(
            protocol, LOOP, 2**30, auto_decompress=False, read_until_eof=True,
            response_with_body=not bodiless, **WIDE,
        )
        if answers
        else HttpRequestParser(protocol, LOOP, 2**30, auto_decompress=False, **WIDE)
    )  # fmt: skip
    found: list[tuple[Any, Any]] = []
    try:
        for piece in pieces:
            messages, switched, _ = parser.feed_data(piece)
            found += messages
            if switched:
                break
        return [_of_aiohttp(message, payload) for message, payload in found]
    except HttpProcessingError as error:
        raise RefusedError(f"{type(error).__name__}: {error}"[:200]) from None
    except ValueError as error:  # yarl's word on a target
        raise RefusedError(f"a target: {error}"[:200]) from None


def _of_aiohttp(message: Any, payload: Any) -> Reading:
    start = (
        (message.method, message.path)
        if hasattr(message, "method")
        else (str(message.code), text(message.reason.encode("utf-8", "surrogateescape")))
    )
    reading = Reading(
        start,
        f"{message.version.major}.{message.version.minor}",
        tuple((text(name), text(value)) for name, value in message.raw_headers),
        not message.should_close,
        bool(message.upgrade),
    )
    if payload is EMPTY_PAYLOAD:
        reading.whole = True
        return reading
    if (error := payload.exception()) is not None:
        raise RefusedError(f"{type(error).__name__}: {error}"[:200])
    reading.content = payload.read_nowait(-1)
    reading.whole = payload.is_eof()
    return reading


@dataclass(slots=True)
class Told:
    """What httptools tells while it reads; the names are its own."""

    answers: bool
    parser: Any = None
    found: list[Reading] = field(default_factory=list)
    first: bytes = b""
    lines: list[tuple[str, str]] = field(default_factory=list)

    def on_message_begin(self) -> None:
        self.first, self.lines = b"", []

    def on_url(self, url: bytes) -> None:
        self.first += url

    def on_status(self, reason: bytes) -> None:
        self.first += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        # llhttp leaves white space after a value to its caller (RFC 9112 5.1).
        self.lines.append((text(name), text(value.rstrip(b" \t"))))

    def on_headers_complete(self) -> None:
        word = str(self.parser.get_status_code()) if self.answers else text(self.parser.get_method())
        self.found.append(
            Reading(
                (word, text(self.first)),
                self.parser.get_http_version(),
                tuple(self.lines),
                bool(self.parser.should_keep_alive()),
                bool(self.parser.should_upgrade()),
            )
        )
        self.lines = []

    def on_body(self, body: bytes) -> None:
        self.found[-1].content += body

    def on_message_complete(self) -> None:
        self.found[-1].whole = True
        self.found[-1].trailers = tuple(self.lines)


def by_httptools(pieces: Iterable[bytes], *, answers: bool = False) -> list[Reading]:
    told = Told(answers)
    told.parser = (httptools.HttpResponseParser if answers else httptools.HttpRequestParser)(told)
    try:
        for piece in pieces:
            told.parser.feed_data(piece)
    except HttpParserUpgrade:
        pass  # what follows is not HTTP to it
    except HttpParserError as error:
        raise RefusedError(f"{type(error).__name__}: {error}"[:200]) from None
    return told.found
