"""Delivery: a response's way to the client: how its end is told, whether the connection stays, and the bytes."""

from __future__ import annotations

from contextlib import aclosing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proxy.exchange import Body, Fields, Response, ResponseHead, Truncated, get, without
from proxy.framing import CHUNKED, NO_BODY, UNTIL_CLOSE, Framing, write_chunk, write_last_chunk
from proxy.head import ScannedRequest, write_response
from proxy.turn import Turn
from proxy.upgrade import join

if TYPE_CHECKING:
    from proxy.connection import Connection
