"""Emulation: programs of another architecture run on this machine meanwhile, by binfmt_misc and QEMU.

The kernel keeps the emulator open (flag F), so it works in containers that have never heard of it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compose.image.debian import NoBase, machine

HANDLERS = Path("/proc/sys/fs/binfmt_misc")
EMULATORS = {"arm64": "qemu-aarch64", "armhf": "qemu-arm"}
KNOWN = Path("/usr/lib/binfmt.d")


@contextmanager
def emulation(architecture: str) -> Iterator[None]:
    """Nothing to do for this machine's own; root is needed for others, and what was there stays."""
    if architecture == machine():
        yield
        return
    name = EMULATORS[architecture]
    mounted = not (HANDLERS / "register").exists()
    if mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(HANDLERS)], check=True)
    try:
        with handler(name):
            yield
    finally:
        if mounted:
            subprocess.run(["umount", str(HANDLERS)], check=True)


@contextmanager
def handler(name: str) -> Iterator[None]:
    if (HANDLERS / name).exists():
        yield
        return
    how = KNOWN / f"{name}.conf"
    if not how.exists():
        raise NoBase(f"{name} is not here: apt-get install qemu-user-static.")
    (HANDLERS / "register").write_bytes(how.read_bytes().strip())
    try:
        yield
    finally:
        (HANDLERS / name).write_text("-1")
