"""Whereabouts: what this machine tells of where the engine and the proxy itself are.

All of it looks at files and sockets, so it is called in a thread.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from functools import cache
from pathlib import Path

from discovery.networks import own_id


def accepts(url: str, timeout: float = 1.0) -> bool:
    """Whether somebody accepts connections at the URL; other schemes than unix and tcp: unknown, so no."""
    scheme, _, rest = url.partition("://")
    try:
        if scheme in ("unix", "http+unix"):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(timeout)
                probe.connect(rest)
        elif scheme in ("tcp", "http", "https"):
            host, _, port = rest.partition("/")[0].rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), timeout).close()
        else:
            return False
    except (OSError, ValueError):
        return False
    return True


def own_container(known: Collection[str]) -> str:
    """The id of the container that this process runs in, empty where it is none that the engine knows."""
    return own_id(
        _text_of("/proc/self/mountinfo"), _text_of("/proc/self/cgroup"), socket.gethostname(), known
    )


def inside() -> bool:
    """Whether this process runs in a container, of whichever engine."""
    return any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


@cache  # where there is no such name, asking for it can take seconds
def host_alias() -> str:
    """The host's address by the name that Docker Desktop and compose's extra_hosts give it."""
    try:
        return socket.gethostbyname("host.docker.internal")
    except OSError:
        return ""


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""  # not on Linux, or hidden: then the host name decides
