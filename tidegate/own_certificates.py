"""Own certificates: pairs in a directory of the owner's, watched.

name.crt + name.key (also .pem, .cer)      name/fullchain.pem + name/privkey.pem
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NoReturn, TypeAlias

from acme_client.certificate import BrokenCertificate, Certificate
from acme_client.given import OWN
from proxy.problem import Problem

LOOK_EVERY = 1.0
LARGEST = 256 * 1024
"""Bytes of a file: a chain is a few thousand."""
CHAINS = (".crt", ".cer", ".pem")
FOLDER = ("fullchain.pem", "privkey.pem")
Publish: TypeAlias = Callable[[Sequence[Certificate], tuple[Problem, ...]], None]
INSTEAD = "What it had before is served, or a certificate is ordered."


@dataclass(slots=True)
class Drawer:
    """The pairs of the directory: the last content of each that was good, and what is wrong with it now."""

    directory: Path
    pairs: dict[Path, Certificate] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    _signature: tuple[object, ...] | None = None

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        return tuple(self.pairs.values())

    def look(self, now: datetime) -> bool:
        """Read what has changed; whether anything has, or has run out meanwhile.  Blocks."""
        signature = (*signature_of(self.directory), *(each.not_after <= now for each in self.pairs.values()))
        if signature == self._signature:
            return False
        found = list(pairs_of(self.directory)) if self.directory.is_dir() else None
        if found is None:
            what = "There is no such directory."
            self.pairs = {}
            self.problems = (Problem(f"own_certificates={self.directory}", what, INSTEAD),)
        else:
            read = {chain: self._read(chain, key, now) for chain, key in found}
            self.pairs = {chain: pair for chain, (pair, _) in read.items() if pair}
            self.problems = tuple(problem for _, problem in read.values() if problem)
        runs_out = (each.not_after <= now for each in self.pairs.values())
        self._signature = (*signature_of(self.directory), *runs_out)
        return True

    def _read(self, chain: Path, key: Path, now: datetime) -> tuple[Certificate | None, Problem | None]:
        """The pair as it is, or as it was while it was good, and what is wrong."""
        try:
            pair = read_pair(chain, key)
        except OSError as error:
            name = Path(error.filename or chain).name
            what = f"{name} cannot be read: {(error.strerror or str(error)).lower()}."
        except BrokenCertificate as error:
            what = f"It cannot be used: {error}."
        else:
            return pair, dated(chain, pair, now)
        return self.pairs.get(chain), Problem(str(chain), what, INSTEAD)


def dated(chain: Path, pair: Certificate, now: datetime) -> Problem | None:
    if pair.not_after <= now:
        what = f"It ran out on {pair.not_after:%Y-%m-%d}."
    elif pair.not_before > now:
        what = f"It is not valid before {pair.not_before:%Y-%m-%d %H:%M} UTC."
    else:
        return None
    return Problem(str(chain), what, f"For {', '.join(pair.names)} certificates are ordered instead.")


def read_pair(chain: Path, key: Path) -> Certificate:
    """BrokenCertificate with what is wrong, OSError where a file cannot be read."""
    from acme_client.reading import read

    pair = read(content(chain), content(key), OWN)
    if not pair.names:
        raise BrokenCertificate("it has no names (subjectAltName), and browsers read nothing else")
    return pair


def content(file: Path) -> bytes:
    with file.open("rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise BrokenCertificate(f"{file.name} has more than {LARGEST // 1024} KiB")
    return data


def pairs_of(directory: Path) -> Iterator[tuple[Path, Path]]:
    """Chain and key of each pair; a chain whose key is missing, too."""
    for each in sorted(directory.iterdir()):
        if each.name.startswith("."):
            continue  # an editor's, or one that is being written
        if each.is_dir():
            chain, key = (each / name for name in FOLDER)
            if chain.exists() or key.exists():
                yield chain, key
        elif each.suffix.lower() in CHAINS:
            yield each, each.with_suffix(".key")


def signature_of(directory: Path) -> tuple[object, ...]:
    """What changes when any of the files does."""
    try:
        files = [file for pair in pairs_of(directory) for file in pair]
    except OSError:
        return ("none",)
    return tuple((str(file), *stamp(file)) for file in files)


def stamp(file: Path) -> tuple[int, ...]:
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode


async def watch_certificates(
    drawer: Drawer,
    publish: Publish,
    clock: Callable[[], datetime],
) -> NoReturn:
    """Publish the pairs whenever they change or one runs out."""
    while True:
        await publish_changes(drawer, publish, clock())
        await asyncio.sleep(LOOK_EVERY)


async def publish_changes(drawer: Drawer, publish: Publish, now: datetime) -> None:
    if await asyncio.to_thread(drawer.look, now):
        publish(drawer.certificates, drawer.problems)
