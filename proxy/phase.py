"""Phase: what a client's connection is doing."""

from __future__ import annotations

from enum import Enum, auto


class Phase(Enum):
    HEAD = auto()  # a request is awaited, or has begun to arrive
    IDLE = auto()  # kept open between two requests
    TURN = auto()  # a request is being served
    RAW = auto()  # upgraded: bytes both ways
    LEAVING = auto()  # the last word is said; input is thrown away
    GONE = auto()
