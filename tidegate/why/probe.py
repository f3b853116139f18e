"""Probe: whether anybody accepts connections at a server, just now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from proxy.model import Server
from tidegate.reachability import NO_ANSWER, in_words

PATIENCE = 1.0
ACCEPTS = "accepts"
MOST = 16
"""Servers that are tried of one service."""


async def probe(servers: Sequence[Server]) -> tuple[str, ...]:
    """For each server: "accepts", or what went wrong."""
    tried = await asyncio.gather(*map(_probe, servers[:MOST]))
    return (*tried, *("not tried" for _ in servers[MOST:]))


async def _probe(server: Server) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(server.address, server.port)
    except TimeoutError:
        return NO_ANSWER
    except (OSError, UnicodeError) as failure:
        return in_words(failure)
    writer.close()
    return ACCEPTS


def status_of(probes: Sequence[str]) -> int | None:
    """The status that a visitor gets where no server can be reached (`proxy.exchange.UpstreamError`)."""
    if not probes or any(each in (ACCEPTS, "not tried") for each in probes):
        return None
    return 504 if probes[-1] == NO_ANSWER else 502
