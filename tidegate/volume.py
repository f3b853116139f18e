"""Volume: whether the data directory outlives the container that Tidegate runs in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

IN_THE_CONTAINER = ("overlay", "overlayfs", "aufs", "vfs", "tmpfs", "ramfs")
"""Filesystems that go with the container, or with the machine's power."""

NOT_KEPT = (
    "{data} goes with this container, and each new one would ask for all certificates again, which an"
    " authority counts; so none is ordered. A directory that stays helps. In a compose file two lines, in the"
    ' service volumes: ["tidegate-data:{data}"] and at the end of the file volumes: {{tidegate-data: {{}}}}'
    " -- with docker run: -v tidegate-data:{data} -- in any other container mount a disk or a directory of"
    " the machine, and name it: --data DIRECTORY"
)


def not_kept(data: Path, *, in_container: bool, mounts: str | None = None) -> str:
    """Why nothing should be ordered here, in words; "" where what is saved stays.

    `mounts` is the text of /proc/self/mountinfo (proc(5)); read here where it is not given.
    """
    if not in_container:
        return ""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(errors="replace")
        except OSError:
            return ""
    where = data.absolute()
    found = [(place, kind) for place, kind in _mounts(mounts) if where.is_relative_to(place)]
    # Of two mounts on one place the later one is seen.
    place, kind = max(reversed(found), key=lambda mount: len(mount[0].parts), default=ROOT)
    kept = place != Path("/") and kind not in IN_THE_CONTAINER
    return "" if kept or kind == UNKNOWN else NOT_KEPT.format(data=where)


UNKNOWN = ""
ROOT = (Path("/"), UNKNOWN)


def _mounts(text: str) -> Iterator[tuple[Path, str]]:
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) >= 5 and after:
            yield Path(_plain(fields[4])), after.split()[0]


def _plain(escaped: str) -> str:
    """proc(5): spaces and their like are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), escaped)
