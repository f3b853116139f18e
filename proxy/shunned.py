"""Shunned: where a connection must not end, whatever name or address it was asked for by.

Names lead where their owners like, and elsewhere a moment later: so
`proxy.allowed_places` looks at it when connecting.
"""

from __future__ import annotations

from proxy.frozen import frozen


@frozen
class Shunned:
    """`here` are ports of this machine; `host` is another one's name or address, with the `port` there."""

    here: frozenset[int] = frozenset()
    host: str = ""
    port: int = 0
