"""Disk: files that are either the old ones or the new ones, whenever the power goes."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

FOLDER_MODE = 0o700
FILE_MODE = 0o600

MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""There is no such file: nothing, or something of another kind, which a copy or a volume may have left."""


def make_folder(path: Path) -> None:
    """This folder and those above it, private from the first moment on."""
    if not path.parent.is_dir():
        make_folder(path.parent)
    if not path.is_dir():
        with suppress(FileExistsError):
            path.mkdir(mode=FOLDER_MODE)
        sync_folder(path.parent)


def write_file(path: Path, data: bytes) -> None:
    """A new file, complete on the disk when this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Readers see the old content or the new, never a part."""
    aside = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        write_file(aside, data)
        aside.rename(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def json_bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"


def read_json(path: Path) -> Any:
    """The document, or None where it is missing or damaged."""
    try:
        return json.loads(path.read_bytes())
    except (*MISSING, ValueError, RecursionError):
        return None


def move_away(path: Path, quarantine: Path) -> Path:
    """Put something broken where nobody reads it; where it is now."""
    place = quarantine / f"{path.parent.name}-{path.name}-{token_hex(4)}"
    try:
        make_folder(quarantine)
        return path.rename(place)
    except OSError:
        return path  # a read-only disk: it stays where it is, and is not served either


def replace_link(path: Path, target: str) -> None:
    aside = path.with_name(f".{path.name}.{token_hex(4)}")
    aside.symlink_to(target)
    aside.rename(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """A rename is only on the disk once its folder is."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_private(root: Path) -> list[Path]:
    """Take group's and others' rights away from everything below; returns what had to be changed."""
    changed = []
    for place, _, files in os.walk(root):
        for path in (Path(place), *(Path(place, file) for file in files)):
            mode = path.lstat().st_mode
            if not path.is_symlink() and mode & 0o077:
                path.chmod(mode & 0o700)
                changed.append(path)
    return changed


class Lock:
    """An exclusive lock on a file, held until closed or until this process ends, however it ends."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    __del__ = close  # taken by a call whose caller was cancelled: nobody else could let it go


def take_lock(path: Path) -> Lock | None:
    """The lock, or None while somebody else holds it."""
    try:
        return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def take_long_lock(path: Path) -> Lock | None:
    """The same, to be held for hours: a disk can be made read-only only while no file is open for writing."""
    try:
        return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB, os.O_RDONLY)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
    return take_lock(path)  # NFS has no exclusive lock for who only reads


def wait_for_lock(path: Path) -> Lock:
    return _lock(path, fcntl.LOCK_EX)


def _lock(path: Path, how: int, access: int = os.O_RDWR) -> Lock:
    handle = os.open(path, access | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(handle, how)
    except OSError:
        os.close(handle)
        raise
    return Lock(handle)
