"""HTTP/2 lane: what keeps requests for servers of HTTP/2 in the lane of aiohttp, which can wait for them."""

from __future__ import annotations

from typing import Final

from proxy.exchange import Handler
from proxy.frozen import frozen

SCHEME: Final = "h2c"
"""HTTP/2 in the clear, by prior knowledge."""


@frozen
class OverHTTP2:
    """Stands behind all middlewares and lets everything pass: the fast lane writes HTTP/1.1."""

    def wrap(self, next_handler: Handler) -> Handler:
        return next_handler
