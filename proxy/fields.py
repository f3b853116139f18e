"""Fields: header and trailer lines, read strictly and written so that nobody can read them in two ways.

Text is latin-1 throughout: every byte of a value survives (RFC 9110 5.5, obs-text is opaque).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from proxy.exchange import Fields

TOKEN: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)  # RFC 9110 5.6.2
CONTROLS: Final = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\r\n")
"""Octets that stand nowhere in a head (RFC 9110 5.5, RFC 9112 4); CR and LF are looked at apart."""

_FAMILIAR = (
    "Accept Accept-CH Accept-Encoding Accept-Language Accept-Ranges Access-Control-Allow-Origin Age"
    " Allow Alt-Svc Authorization Cache-Control Connection Content-Disposition Content-Encoding"
    " Content-Language Content-Length Content-Range Content-Security-Policy Content-Type Cookie DNT"
    " Date ETag Expect Expires Forwarded From Host If-Match If-Modified-Since If-None-Match If-Range"
    " If-Unmodified-Since Keep-Alive Last-Modified Link Location Origin Permissions-Policy Pragma"
    " Priority Range Referer Referrer-Policy Retry-After Sec-CH-UA Sec-Fetch-Dest Sec-Fetch-Mode"
    " Sec-Fetch-Site Sec-Fetch-User Sec-WebSocket-Accept Sec-WebSocket-Extensions Sec-WebSocket-Key"
    " Sec-WebSocket-Protocol Sec-WebSocket-Version Server Set-Cookie Strict-Transport-Security TE"
    " Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests User-Agent Vary Via"
    " X-Content-Type-Options X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Proto"
    " X-Frame-Options X-Real-Ip X-Request-Id X-XSS-Protection"
)
FAMILIAR: Final = {
    name: name.lower() for spelling in _FAMILIAR.split() for name in (spelling, spelling.lower())
}
"""Names that need no checking and no lowering: a look-up instead of two passes."""


class MessageError(Exception):
    """A message that has no one meaning; `status` is what a client is told, `reason` says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class BadHead(MessageError):
    """The head of a message, or its trailer section, is malformed or too large."""


def check_octets(section: bytes | bytearray) -> None:
    """Refuse octets that some reader somewhere takes for the end of a line, or of the text.

    RFC 9112 2.2 lets a recipient take a bare LF for a line's end and RFC 9110
    5.5 lets it turn bare CR or NUL into a space.  Two who choose differently
    are how requests are smuggled.
    """
    ends = section.count(b"\r\n")
    if section.count(b"\n") != ends or section.count(b"\r") != ends:
        raise BadHead(400, "a line does not end with CR LF")
    if len(section.translate(None, CONTROLS)) != len(section):
        raise BadHead(400, "a control character")


def check_beginning(section: bytes | bytearray) -> None:
    """`check_octets` for a section whose end has not come: the last octet may be half of a line's end."""
    check_octets(section[:-1] if section.endswith(b"\r") else section)


def is_token(text: str) -> bool:
    return bool(text) and TOKEN.issuperset(text)


def scan_field(line: str) -> tuple[str, str, str]:
    """The name in lower case, the name, the value.

    Nothing stands before the colon but the name: no space (RFC 9112 5.1) and no
    line folding (5.2), both of which hide a field from half of its readers.
    """
    name, colon, value = line.partition(":")
    lower = FAMILIAR.get(name)
    if lower is None:
        if not TOKEN.issuperset(name) or not name:
            raise BadHead(400, "a folded line" if line[:1] in " \t" else "a malformed field name")
        lower = name.lower()
    if not colon:
        raise BadHead(400, "a field line without a colon")
    return lower, name, value.strip(" \t")


def members(value: str) -> tuple[str, ...]:
    """The elements of a comma list in lower case, empty ones left out (RFC 9110 5.6.1)."""
    return tuple(member for part in value.split(",") if (member := part.strip(" \t").lower()))


def write_section(start: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """A start line (or none) and field lines, ended by an empty line; ValueError where they are malformed.

    Names and values may come from labels and middlewares: what could add a
    line, or hide one, must not leave.
    """
    lines = [start] if start else []
    for name, value in fields:
        if name not in FAMILIAR and not is_token(name):
            raise ValueError(f"not a field name: {name!r}")
        lines.append(f"{name}: {value}")
    section = ("\r\n".join(lines) + "\r\n\r\n" if lines else "\r\n").encode("latin-1")
    if section.count(b"\r") != len(lines) + 1 or section.count(b"\n") != len(lines) + 1:
        raise ValueError("a line break inside a line")
    if len(section.translate(None, CONTROLS)) != len(section):
        raise ValueError("a control character")
    return section


def scan_section(section: bytes | bytearray, most: int) -> Fields:
    """Field lines, each with its CR LF."""
    check_octets(section)
    lines = section.decode("latin-1").split("\r\n")[:-1]
    if len(lines) > most:
        raise BadHead(431, "too many fields")
    return tuple((name, value) for _, name, value in map(scan_field, lines))
