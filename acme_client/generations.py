"""Generations: one host's certificates in its folder, each complete or not there at all.

A generation is written under another name, synced and then renamed: whatever
is called gen-000N is complete.  The newest one that can be read is served.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from acme_client.certificate import BrokenCertificate, Certificate
from acme_client.disk import (
    FOLDER_MODE,
    MISSING,
    json_bytes,
    make_folder,
    move_away,
    read_json,
    replace_link,
    sync_folder,
    write_file,
)
from acme_client.frozen import frozen

KEPT = 2
"""The one in use and the one before."""

LEFT_BEHIND = 3600.0
"""Seconds after which a half-written thing is nobody's work any more, another instance's neither."""

_GENERATION = re.compile(r"gen-(\d{4,})\Z")


@frozen
class Broken:
    """A generation that was put into quarantine."""

    host: str
    reason: str
    place: str


def newest(folder: Path, host: str, quarantine: Path) -> tuple[Certificate | None, tuple[Broken, ...]]:
    """The newest certificate that can be served; broken ones are moved into quarantine."""
    broken: list[Broken] = []
    for _, path in sorted(_generations(folder), reverse=True):
        try:
            return _read_generation(path, host), tuple(broken)
        except BrokenCertificate as error:
            broken.append(Broken(host, str(error), str(move_away(path, quarantine))))
    return None, tuple(broken)


def peek(folder: Path, host: str) -> Certificate | None:
    """The same without moving anything: for who only reads."""
    for _, path in sorted(_generations(folder), reverse=True):
        with suppress(BrokenCertificate):
            return _read_generation(path, host)
    return None


def write(folder: Path, certificate: Certificate) -> None:
    """Write a new generation and make it the current one."""
    make_folder(folder)
    number = max((number for number, _ in _generations(folder)), default=0) + 1
    generation = folder / f"gen-{number:04}"
    aside = folder / f".new-{token_hex(4)}"
    aside.mkdir(mode=FOLDER_MODE)
    try:
        write_file(aside / "fullchain.pem", certificate.chain_pem)
        write_file(aside / "key.pem", certificate.key_pem)
        write_file(aside / "meta.json", json_bytes(_meta(certificate)))
        sync_folder(aside)
        aside.rename(generation)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync_folder(folder)
    replace_link(folder / "current", generation.name)
    _prune(folder, generation.stat().st_mtime - LEFT_BEHIND)


def _generations(folder: Path) -> Iterator[tuple[int, Path]]:
    if folder.is_dir():
        for path in folder.iterdir():
            if match := _GENERATION.match(path.name):
                yield int(match[1]), path


def _read_generation(path: Path, host: str) -> Certificate:
    """The pair in this folder; one that may not be read is not broken: that is an OSError."""
    meta = read_json(path / "meta.json")
    directory = meta.get("directory") if isinstance(meta, dict) else None
    if not isinstance(directory, str):
        raise BrokenCertificate("meta.json is missing or cannot be read")
    try:
        chain_pem, key_pem = (path / "fullchain.pem").read_bytes(), (path / "key.pem").read_bytes()
    except MISSING as error:
        raise BrokenCertificate(f"{Path(error.filename).name} is missing") from error
    certificate = _as_written(meta, chain_pem, key_pem) or _read(chain_pem, key_pem, directory)
    if not certificate.covers(host):
        raise BrokenCertificate(f"it is for {', '.join(certificate.names)}")
    return certificate


def _read(chain_pem: bytes, key_pem: bytes, directory: str) -> Certificate:
    from acme_client.reading import read

    return read(chain_pem, key_pem, directory)


def _as_written(meta: dict[str, Any], chain_pem: bytes, key_pem: bytes) -> Certificate | None:
    """The certificate by what was written down of it; None where somebody has changed its files since.

    Reading it anew would take `cryptography`, which is 10 MB, and tell the same.
    """
    if meta.get("fingerprint") != _fingerprint(chain_pem, key_pem):
        return None
    try:
        return Certificate(
            names=tuple(map(str, meta["names"])),
            chain_pem=chain_pem,
            key_pem=key_pem,
            not_before=datetime.fromisoformat(meta["not_before"]),
            not_after=datetime.fromisoformat(meta["not_after"]),
            issuer=str(meta["issuer"]),
            serial=int(meta["serial"], 16),
            directory=str(meta["directory"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _fingerprint(chain_pem: bytes, key_pem: bytes) -> str:
    return sha256(chain_pem + b"\0" + key_pem).hexdigest()


def _prune(folder: Path, before: float) -> None:
    """Remove old generations, and what a crash has left half written."""
    for _, path in sorted(_generations(folder))[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(".*"):
        if path.lstat().st_mtime < before:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _meta(certificate: Certificate) -> dict[str, Any]:
    return {
        "names": list(certificate.names),
        "directory": certificate.directory,
        "issuer": certificate.issuer,
        "serial": f"{certificate.serial:x}",
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "fingerprint": _fingerprint(certificate.chain_pem, certificate.key_pem),
    }
