"""Processes seen from outside, through /proc (proc(5)): their sockets, their memory, whether they live."""

from __future__ import annotations

import re
from pathlib import Path

PIECE = 1 << 20


def lives(pid: int) -> bool:
    """Whether it runs; one that has ended and only waits to be asked for its status does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def open_files(pid: int) -> list[str]:
    """What its descriptors lead to: paths, socket:[...], pipe:[...]."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except FileNotFoundError:  # closed while we looked
            continue
    return found


def sockets(pid: int) -> set[str]:
    """The inodes of its sockets."""
    return {found[1] for name in open_files(pid) if (found := re.fullmatch(r"socket:\[(\d+)\]", name))}


def visitors_of(pid: int, port: int) -> set[int]:
    """The clients' ports of its accepted IPv4 connections at `port`."""
    own, found = sockets(pid), set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *_, inode = line.split()[:10]
        if inode in own and state == "01" and int(local.partition(":")[2], 16) == port:
            found.add(int(remote.partition(":")[2], 16))
    return found


def remembers(pid: int, secret: bytes) -> bool:
    """Whether these bytes are anywhere in its memory."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights, *rest = line.split(maxsplit=5)
            if not rights.startswith("r") or rest[-1] in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                continue
            start, end = (int(bound, 16) for bound in place.split("-"))
            while start < end:
                memory.seek(start)
                try:
                    piece = memory.read(min(PIECE + len(secret), end - start))
                except OSError:  # a mapping beyond the end of its file
                    break
                if secret in piece:
                    return True
                start += PIECE
    return False
