"""Watch: what a process holds, as the kernel tells it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.conduit import MOST_SPARE

TCP_OPEN = frozenset(("01", "02", "03", "04", "05", "08", "09", "0B"))  # include/net/tcp_states.h; not 06, 0A


@dataclass(frozen=True, slots=True)
class Held:
    """Seconds since some fixed moment, kilobytes resident, open descriptors, and TCP connections.

    The pipes that are kept for the next large body are no descriptors here, as long as they are not more than
    that: `MOST_SPARE` of the conduit's.
    """

    at: float
    rss: int
    descriptors: int
    connections: int

    @property
    def mebibytes(self) -> float:
        return self.rss / 1024


def held(pid: int) -> Held:
    folder = Path(f"/proc/{pid}")
    status = (folder / "status").read_text()
    rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    names = [_link(each) for each in (folder / "fd").iterdir()]
    sockets = {name[8:-1] for name in names if name.startswith("socket:[")}
    pipes = sum(name.startswith("pipe:[") for name in names)
    others = len(names) - min(pipes, 2 * MOST_SPARE)
    return Held(time.monotonic(), rss, others, len(sockets & _open_connections()))


def _link(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # closed since it was listed
        return ""


def _open_connections() -> set[str]:
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {fields[9] for fields in lines if fields[3] in TCP_OPEN}


def peers_of(port: int) -> set[int]:
    """The remote ports of connections to this local port that still belong to a process."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    here = f"{port:04X}"
    return {
        int(fields[2].rpartition(":")[2], 16)
        for fields in lines
        if fields[1].endswith(here) and fields[3] in TCP_OPEN and fields[9] != "0"
    }


def slope(seen: Sequence[Held]) -> float:
    """Kilobytes a minute, by least squares."""
    if len(seen) < 2:
        return 0.0
    mean_at = sum(each.at for each in seen) / len(seen)
    mean_rss = sum(each.rss for each in seen) / len(seen)
    spread = sum((each.at - mean_at) ** 2 for each in seen)
    return 60 * sum((each.at - mean_at) * (each.rss - mean_rss) for each in seen) / spread if spread else 0.0
