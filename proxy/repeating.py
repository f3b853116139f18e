"""Repeating: when a request that got no answer may be asked again.  One rule, for every lane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proxy.exchange import NeverSent, UpstreamError
from proxy.model import Server

IDEMPOTENT: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))  # RFC 9110 9.2.2
ATTEMPTS: Final = 3
"""Servers asked at most for one request: each may take the whole connect timeout."""


def may_be_repeated(method: str, length: int | None) -> bool:
    """Whether doing it twice does the same as once, and all of it is still here to send."""
    return length == 0 and method in IDEMPOTENT


def may_ask_another(
    servers: Sequence[Server], tried: Sequence[Server], error: UpstreamError, *, repeatable: bool
) -> bool:
    """Whether another server is there and may be asked after `error`, NeverSent or no answer at all.

    A request that never left may try some servers; one that may have been worked on, a second at most.
    A container that is killed takes requests with it that it has not answered: those that do the same
    when done twice are asked of its replica.
    """
    if not set(servers) - set(tried):
        return False
    if isinstance(error, NeverSent):
        return len(tried) < ATTEMPTS
    return len(tried) == 1 and repeatable
