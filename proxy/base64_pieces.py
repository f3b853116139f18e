"""Base64 pieces: base64 undone as it comes.  Padding may end any portion: who flushes leaves some."""

from __future__ import annotations

from binascii import Error, a2b_base64

BREAKS = b"\r\n"


class NotBase64(Exception):
    """There are other characters, or the end is missing."""


class Decoder:
    def __init__(self) -> None:
        self._rest = b""

    def feed(self, text: bytes) -> bytes:
        """What is whole by now."""
        text = self._rest + text.translate(None, BREAKS)
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        found = []
        at = 0
        while at < whole:
            padding = text.find(b"=", at, whole)
            end = whole if padding < 0 else padding + 4 - padding % 4
            found.append(_decoded(text[at:end]))
            at = end
        return b"".join(found)

    def end(self) -> None:
        if self._rest:
            raise NotBase64("the base64 has no end")


def _decoded(text: bytes) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except Error as error:
        raise NotBase64(str(error)) from None
