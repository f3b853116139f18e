"""Journal: the records that were set and not yet removed, so that a crash leaves nothing behind.

Whoever shows one holds a lock on its file for as long.  What nobody holds
is left over, of this run or of one that was killed, and is to be removed.
Every method blocks.
"""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from acme_client.disk import Lock, json_bytes, make_folder, read_json, sync_folder, take_lock, write_file
from acme_client.frozen import frozen


@frozen
class Record:
    """One TXT value, and who set it."""

    provider: str
    zone: str
    name: str
    value: str


@frozen
class Kept:
    """A record in the journal, ours for as long as it is not released."""

    record: Record
    path: Path
    lock: Lock

    def release(self) -> None:
        self.lock.close()


class Journal:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, record: Record) -> Kept:
        """Remember it, before it is set.  It is locked before anybody else can see it."""
        make_folder(self._folder)
        path = self._folder / f"{sha256(repr(record).encode()).hexdigest()[:24]}-{token_hex(4)}.json"
        aside = path.with_name(f".{path.name}")
        write_file(aside, json_bytes(asdict(record)))
        lock = take_lock(aside)
        if lock is None:
            raise BlockingIOError("a file that is a moment old is locked")
        aside.rename(path)
        sync_folder(self._folder)
        return Kept(record, path, lock)

    def take_left(self) -> list[Kept]:
        """All that nobody shows any more; they are ours now."""
        if not self._folder.is_dir():
            return []
        return [kept for path in sorted(self._folder.glob("[!.]*.json")) if (kept := self._take(path))]

    def remove(self, kept: Kept) -> None:
        """Forget it.  Whoever took it releases it, and nobody else: he may have given up waiting for this."""
        kept.path.unlink(missing_ok=True)

    def _take(self, path: Path) -> Kept | None:
        lock = take_lock(path)
        if lock is None:
            return None
        record = _record(read_json(path))
        if record is None:  # removed by another instance, or damaged: nobody can act on it
            path.unlink(missing_ok=True)
            lock.close()
            return None
        return Kept(record, path, lock)


def _record(document: object) -> Record | None:
    if not isinstance(document, dict):
        return None
    values = [document.get(name) for name in ("provider", "zone", "name", "value")]
    return Record(*map(str, values)) if all(isinstance(value, str) and value for value in values) else None
