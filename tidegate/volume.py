"""Volume: whether the data directory outlives the container that Tidegate runs in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proxy.problem import Problem

IN_THE_CONTAINER = ("overlay", "overlayfs", "aufs", "vfs", "tmpfs", "ramfs")
"""Filesystems that go with the container, or with the machine's power."""

NOT_KEPT = "{data} goes with this container, so no certificate is ordered that an authority counts."
WHAT_HELPS = """\
Each new container would ask for all of them again. A directory that stays helps. In a compose file two lines:
in the service: volumes: ["tidegate-data:{data}"]
at the end of the file: volumes: {{tidegate-data: {{}}}}
With docker run: -v tidegate-data:{data}
In any other container mount a disk or a directory of the machine, and name it: --data DIRECTORY"""
CONSEQUENCE = "Until then sites that want such a certificate are served with one of Tidegate's own authority."
REFERENCE = (
    "{data} goes with this container, so no certificate is ordered: see the problems in tidegate routes."
)


@dataclass(frozen=True, slots=True)
class Unkept:
    """`problem` is said once; `reference` is what each certificate says that waits for its end."""

    problem: Problem
    reference: str


def not_kept(data: Path, *, in_container: bool, mounts: str | None = None) -> Unkept | None:
    """Why nothing should be ordered here, in words; None where what is saved stays.

    `mounts` is the text of /proc/self/mountinfo (proc(5)); read here where it is not given.
    """
    if not in_container:
        return None
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(errors="replace")
        except OSError:
            return None
    where = data.absolute()
    found = [(place, kind) for place, kind in _mounts(mounts) if where.is_relative_to(place)]
    # Of two mounts on one place the later one is seen.
    place, kind = max(reversed(found), key=lambda mount: len(mount[0].parts), default=ROOT)
    kept = place != Path("/") and kind not in IN_THE_CONTAINER
    return None if kept or kind == UNKNOWN else unkept(where)


def unkept(data: Path) -> Unkept:
    said, helps, reference = (text.format(data=data) for text in (NOT_KEPT, WHAT_HELPS, REFERENCE))
    return Unkept(Problem(said, helps, CONSEQUENCE), reference)


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
