"""Debian: a base to build the image on where no registry can be reached, made by debootstrap.

    with Path(tree("arm64")).open("rb") as tar: ...

As `python:3.13-slim` it is Debian 13 (or TIDEGATE_SUITE) without documentation and translations;
its Python is Debian's.  Made once per machine, kept in `.cache`.  Needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

SUITE = os.environ.get("TIDEGATE_SUITE", "trixie")
"""Whose Python a wheel is compiled for: 3.13 with trixie, 3.11 with bookworm."""
PACKAGES = "python3,ca-certificates"
CACHE = Path(__file__).resolve().parents[2] / ".cache"
OWN_AUTHORITIES = Path("/usr/local/share/ca-certificates")
UNNEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")


class NoBase(Exception):
    """There is no tree and none can be made; the text says what is missing."""


def machine() -> str:
    """This machine's architecture as Debian calls it."""
    return subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()


def name(architecture: str) -> str:
    return f"tidegate-base-{architecture}:{SUITE}"


def tree(architecture: str, say: Callable[[str], object] = lambda _: None) -> Path:
    """A tar of the base's root file system; another architecture's is made within its `emulation`."""
    made = CACHE / f"debian-{SUITE}-{architecture}.tar"
    if made.exists():
        return made
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise NoBase("Making a Debian base needs root and debootstrap: apt-get install debootstrap.")
    time = "some minutes" if architecture == machine() else "emulated, a quarter of an hour"
    say(f"a Debian base for {architecture} is made ({time}, once)")
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tidegate-base-") as directory:
        root = Path(directory) / "root"
        how = ("--variant=minbase", f"--include={PACKAGES}", f"--arch={architecture}")
        run("debootstrap", *how, SUITE, str(root))
        trust_what_this_machine_trusts(root)
        for place in UNNEEDED:
            shutil.rmtree(root / place, ignore_errors=True)
        unfinished = made.with_suffix(".new")
        run("tar", "-C", str(root), "--exclude=./proc/*", "--exclude=./sys/*", "-cf", str(unfinished), ".")
        unfinished.rename(made)
    return made


def trust_what_this_machine_trusts(root: Path) -> None:
    """The authorities that this machine's owner has added: without them no package index may answer."""
    added = list(OWN_AUTHORITIES.glob("*.crt")) if OWN_AUTHORITIES.is_dir() else []
    for certificate in added:
        shutil.copy(certificate, root / OWN_AUTHORITIES.relative_to("/"))
    if added:
        run("chroot", str(root), "update-ca-certificates")


def run(*command: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
    )
    if done.returncode:
        raise NoBase(f"{' '.join(command)} fails:\n{(done.stdout + done.stderr)[-2000:]}")
