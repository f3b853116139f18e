"""Whereabouts: what this machine tells of where the engine and the proxy itself are.

All of it looks at files and sockets, so it is called in a thread.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Collection
from concurrent.futures import Future
from functools import cache
from pathlib import Path

from discovery.networks import own_id

ALIAS = "host.docker.internal"
ALIAS_WITHIN = 1.0
"""Seconds: who has this name has it in /etc/hosts or from an engine beside us; a dead resolver takes ten."""


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


def host_alias() -> str:
    """The host's address by the name that Docker Desktop and extra_hosts give it; empty where unknown.

    The first route does not wait for a resolver that nobody answers: what it says later counts the next time.
    """
    answer, deadline = _asked_for_alias()
    try:
        return answer.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return ""


@cache
def _asked_for_alias() -> tuple[Future[str], float]:
    answer: Future[str] = Future()
    # Not of a pool: at the end of the program nobody waits for this thread.
    threading.Thread(
        target=lambda: answer.set_result(_address(ALIAS)), name="host-alias", daemon=True
    ).start()
    return answer, time.monotonic() + ALIAS_WITHIN


def _address(name: str) -> str:
    try:
        return socket.gethostbyname(name)
    except OSError:
        return ""


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""  # not on Linux, or hidden: then the host name decides
