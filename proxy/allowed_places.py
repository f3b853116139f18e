"""Allowed places: of a host's addresses those that are not shunned."""

from __future__ import annotations

import asyncio
import errno
import socket
from ipaddress import IPv6Address, ip_address
from typing import Any

from proxy.shunned import Shunned

Place = tuple[int, int, int, Any]
"""Family, kind and protocol of a socket, and where it connects to."""


async def allowed(places: list[Place], port: int, shunned: Shunned) -> list[Place]:
    """Those that may be connected to; an OSError where the shunned host's addresses cannot be found."""
    if port in shunned.here:
        places = [place for place in places if not _is_here(place)]
    if shunned.host and port == shunned.port:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(shunned.host, port, type=socket.SOCK_STREAM)
        theirs = {_plain(where) for *_, where in found}
        places = [place for place in places if _plain(place[3]) not in theirs]
    return places


def _is_here(place: Place) -> bool:
    """Whether the address is one of this machine's (or container's) own: nobody else's can be bound."""
    family, _, _, where = place
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((where[0], 0, *where[2:]))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return False
            raise
    return True


def _plain(where: Any) -> str:
    """The address in its one spelling."""
    ip = ip_address(str(where[0]).partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return str(mapped or ip)
