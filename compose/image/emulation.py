"""Emulation: programs of another architecture run on this machine meanwhile, by binfmt_misc and QEMU.

The kernel keeps the emulator open (flag F), so it works in containers that have never heard of it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compose.image.debian import machine

HANDLERS = Path("/proc/sys/fs/binfmt_misc")
EMULATORS = {"amd64": "qemu-x86_64", "arm64": "qemu-aarch64", "armhf": "qemu-arm"}
KNOWN = Path("/usr/lib/binfmt.d")


class NoEmulation(Exception):
    """Programs of that architecture cannot be run here; the text says what is missing."""


@contextmanager
def emulation(architecture: str) -> Iterator[None]:
    """Nothing to do for this machine's own; root is needed for others, and what was there stays."""
    if architecture == machine():
        yield
        return
    if architecture not in EMULATORS:
        raise NoEmulation(f"Nothing is known of {architecture}; {', '.join(EMULATORS)} can be emulated.")
    with handlers(), handler(EMULATORS[architecture]):
        yield


@contextmanager
def handlers() -> Iterator[None]:
    """The kernel's list of emulators can be read and written."""
    mounted = not (HANDLERS / "register").exists()
    if mounted:
        mount = ["mount", "-t", "binfmt_misc", "binfmt_misc", str(HANDLERS)]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoEmulation(f"Emulating needs the right to mount binfmt_misc: {done.stderr.strip()}")
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", str(HANDLERS)], check=True)


@contextmanager
def handler(name: str) -> Iterator[None]:
    there = HANDLERS / name
    if there.exists():
        if not re.search(r"^flags:.*F", there.read_text(), re.MULTILINE):
            raise NoEmulation(f"{there} has no flag F, so it ends where a container begins.")
        yield
        return
    how = KNOWN / f"{name}.conf"
    if not how.exists():
        raise NoEmulation(f"{name} is not here: apt-get install qemu-user-static.")
    try:
        (HANDLERS / "register").write_bytes(how.read_bytes().strip())
    except OSError as error:
        raise NoEmulation(f"The kernel does not take {how}, which needs root: {error}") from error
    try:
        yield
    finally:
        (HANDLERS / name).write_text("-1")
