"""Process: how a worker is started, and how it is said to have ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from pathlib import Path

from acme_client.dns.catalog import variable_prefixes

KEPT_FROM_WORKERS = ("TIDEGATE_", "DOCKER_", *variable_prefixes())
"""Variables with our settings and with credentials of DNS providers, of which some are secrets."""


class Line:
    """Two sockets that are connected: ours with its streams, and theirs to be inherited.

    Also for the log, where a pipe of asyncio's would do, but for this: a process that has such a
    pipe counts as ended only when everybody who inherited the other end has closed it.
    """

    def __init__(self, limit: int) -> None:
        """`limit` is the bytes that a reader of lines takes for one."""
        self._limit = limit
        self._ours, self.theirs = socket.socketpair()

    async def __aenter__(self) -> Line:
        self.reader, self.writer = await asyncio.open_unix_connection(sock=self._ours, limit=self._limit)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()


async def start(channel: socket.socket, log_end: socket.socket, sockets: Sequence[socket.socket]) -> Process:
    """A fresh interpreter that has these sockets and nothing else of ours."""
    inherited = (channel.fileno(), *(sock.fileno() for sock in sockets))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tidegate", "worker", str(channel.fileno())),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=log_end.fileno(),
        pass_fds=inherited,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """Ours, without our settings; modules are found where we found them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(KEPT_FROM_WORKERS)}
    return kept | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


def ended(status: int) -> str:
    """A process's end in words; a negative status is the signal that ended it."""
    if status >= 0:
        return f"ended by itself with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
