"""gRPC frame: a message, or the trailers of gRPC-Web, as they stand in content (gRPC's PROTOCOL-WEB.md)."""

from __future__ import annotations

from typing import Final

from proxy.exchange import Fields

PREFIX: Final = 5
"""Octets before each message: flags, and its length."""
TRAILERS: Final = 0x80


def framed(data: bytes, flags: int = 0) -> bytes:
    return flags.to_bytes(1) + len(data).to_bytes(4) + data


def trailers_frame(trailers: Fields) -> bytes:
    """Trailers for those who cannot read any; nothing where there are none."""
    lines = [f"{name.lower()}: {value}\r\n" for name, value in trailers]
    return framed("".join(lines).encode("latin-1"), TRAILERS) if lines else b""


def only_message(content: bytes) -> bytes:
    """The one message that is there; ValueError where there is none, or it is compressed."""
    length = int.from_bytes(content[1:PREFIX])
    if len(content) < PREFIX or content[0] or len(content) != PREFIX + length:
        raise ValueError("not one plain message")
    return content[PREFIX:]
