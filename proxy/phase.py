"""Phase: what a client's connection is doing."""

from __future__ import annotations

from typing import Final


class Phase:
    """Numbers and not an Enum: they are compared several times for each request."""

    HEAD: Final = 0  # a request is awaited, or has begun to arrive
    IDLE: Final = 1  # kept open between two requests
    TURN: Final = 2  # a request is being served
    RAW: Final = 3  # upgraded: bytes both ways
    LEAVING: Final = 4  # the last word is said; input is thrown away
    GONE: Final = 5
