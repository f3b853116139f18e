"""Machine: what the program finds around it, and where it keeps its data by default."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from proxy.frozen import frozen


@frozen
class Machine:
    """What the default data directory depends on."""

    environ: Mapping[str, str]
    uid: int
    home: Callable[[], Path]
    in_container: bool
    has_data: bool


def this_machine() -> Machine:
    return Machine(
        environ=os.environ,
        uid=os.geteuid(),
        home=Path.home,
        in_container=any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")),
        has_data=os.access("/data", os.W_OK | os.X_OK) and Path("/data").is_dir(),
    )


def default_data(machine: Machine | None = None) -> Path:
    machine = machine or this_machine()
    if machine.in_container and machine.has_data:
        return Path("/data")
    if machine.uid == 0:
        return Path("/var/lib/tidegate")
    xdg = machine.environ.get("XDG_DATA_HOME", "")
    base = Path(xdg) if xdg.startswith("/") else machine.home() / ".local" / "share"
    return base / "tidegate"
