"""Media type: a Content-Type compared, and guessed from content where an app says none."""

from __future__ import annotations

from collections.abc import Mapping

_MAGIC: Mapping[bytes, str] = {
    b"%PDF-": "application/pdf",
    b"%!PS-Adobe-": "application/postscript",
    b"\xfe\xff": "text/plain; charset=utf-16be",
    b"\xff\xfe": "text/plain; charset=utf-16le",
    b"\xef\xbb\xbf": "text/plain; charset=utf-8",
    b"\x00\x00\x01\x00": "image/x-icon",
    b"BM": "image/bmp",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"OggS\x00": "application/ogg",
    b"MThd\x00\x00\x00\x06": "audio/midi",
    b"ID3": "audio/mpeg",
    b"\x1aE\xdf\xa3": "video/webm",
    b"\x00\x01\x00\x00": "font/ttf",
    b"OTTO": "font/otf",
    b"wOFF": "font/woff",
    b"wOF2": "font/woff2",
    b"\x1f\x8b\x08": "application/x-gzip",
    b"PK\x03\x04": "application/zip",
    b"Rar!\x1a\x07\x00": "application/x-rar-compressed",
    b"Rar!\x1a\x07\x01\x00": "application/x-rar-compressed",
    b"\x00asm": "application/wasm",
}
_TAGS = (
    b"!DOCTYPE HTML", b"HTML", b"HEAD", b"SCRIPT", b"IFRAME", b"H1", b"DIV", b"FONT", b"TABLE", b"A",
    b"STYLE", b"TITLE", b"B", b"BODY", b"BR", b"P", b"!--",
)  # fmt: skip
_RIFF: Mapping[bytes, str] = {b"WEBPVP": "image/webp", b"AVI ": "video/avi", b"WAVE": "audio/wave"}
_BINARY = frozenset(range(9)) | {0x0B} | frozenset(range(0x0E, 0x1B)) | frozenset(range(0x1C, 0x20))
SNIFFED = 512
"""Bytes that a guess looks at (WHATWG MIME Sniffing, as Go's http.DetectContentType)."""


def guessed(data: bytes) -> str:
    """The type that the content's beginning looks like."""
    data = data[:SNIFFED]
    start = data.lstrip(b"\t\n\x0c\r ")
    if _begins_with_tag(start):
        return "text/html; charset=utf-8"
    if start.startswith(b"<?xml"):
        return "text/xml; charset=utf-8"
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF":
        for mark, kind in _RIFF.items():
            if data[8:].startswith(mark):
                return kind
    if data[4:8] == b"ftyp" and b"mp4" in data[8:]:
        return "video/mp4"
    binary = any(byte in _BINARY for byte in data)
    return "application/octet-stream" if binary else "text/plain; charset=utf-8"


def _begins_with_tag(start: bytes) -> bool:
    if not start.startswith(b"<"):
        return False
    for tag in _TAGS:
        if start[1 : 1 + len(tag)].upper() == tag:
            end = start[1 + len(tag) : 2 + len(tag)]
            if end in (b" ", b">") or tag == b"!--":
                return True
    return False


def parsed(text: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Type and parameters, in lower case but for values."""
    kind, *parameters = text.split(";")
    pairs = (parameter.strip().partition("=") for parameter in parameters if parameter.strip())
    return kind.strip().lower(), frozenset((name.lower(), value.strip('"')) for name, _, value in pairs)


def is_among(text: str, kinds: tuple[str, ...]) -> bool:
    """Whether one of them means this type: parameters count where it has some."""
    kind, parameters = parsed(text)
    return any(each[0] == kind and (not each[1] or each[1] == parameters) for each in map(parsed, kinds))
