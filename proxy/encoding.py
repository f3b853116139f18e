"""Encoding: which content coding a client gets (RFC 9110 12.5.3), and the encoders."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal, NamedTuple, Protocol

Coding = Literal["gzip", "br", "zstd"]
_ELEMENT = re.compile(r"([!#$%&'*+.^_`|~0-9a-z-]+|\*)(?:\s*;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?")
_LIBRARY: dict[str, str] = {"br": "brotli", "zstd": "zstandard"}


class Wanted(NamedTuple):
    coding: str
    weight: float


def available(codings: Sequence[Coding]) -> tuple[Coding, ...]:
    """Those whose library is installed."""
    return tuple(each for each in codings if each not in _LIBRARY or find_spec(_LIBRARY[each]))


def parse_accept_encoding(text: str, supported: Sequence[str]) -> list[Wanted]:
    """What the client takes of all this, what it likes best first."""
    found = []
    for part in text.lower().split(","):
        element = _ELEMENT.fullmatch(part.strip())
        if element and element[1] in (*supported, "identity", "*"):
            found.append(Wanted(element[1], float(element[2] or 1)))
    return sorted((each for each in found if each.weight), key=lambda each: -each.weight)


def choose(text: str, supported: Sequence[Coding], default: Coding | None = None) -> Coding | None:
    """The coding to use, None for none.  Of several that are liked alike, our first one."""
    wanted = parse_accept_encoding(text, supported)
    if not wanted:
        return None
    best = {each.coding for each in wanted if each.weight == wanted[0].weight}
    for coding in supported:
        if coding in best:
            return coding
    if "*" not in best:
        return None
    return default if default in supported else supported[0] if supported else None


class Encoder(Protocol):
    def piece(self, data: bytes) -> bytes:
        """All of the data, as far as a decoder needs it to show all of the data."""

    def end(self) -> bytes: ...


class Gzip:
    def __init__(self) -> None:
        # A window of 16 KiB: a sixth to a third faster than 32 KiB, and hardly larger (measured on text).
        self._stream = zlib.compressobj(6, zlib.DEFLATED, 16 + 14)

    def piece(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._stream.flush(zlib.Z_FINISH)


class Brotli:
    def __init__(self) -> None:
        import brotli

        # A window of 256 KiB: with the default one each answer under way would hold 4 MiB and more.
        self._stream = brotli.Compressor(quality=4, lgwin=18)

    def piece(self, data: bytes) -> bytes:
        return bytes(self._stream.process(data) + self._stream.flush())

    def end(self) -> bytes:
        return bytes(self._stream.finish())


class Zstd:
    def __init__(self) -> None:
        import zstandard

        self._flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        self._stream = zstandard.ZstdCompressor(level=3).compressobj()

    def piece(self, data: bytes) -> bytes:
        return bytes(self._stream.compress(data) + self._stream.flush(self._flush))

    def end(self) -> bytes:
        return bytes(self._stream.flush())


ENCODERS: dict[Coding, type[Encoder]] = {"gzip": Gzip, "br": Brotli, "zstd": Zstd}
