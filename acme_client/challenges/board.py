"""Board: a file on which the instances that share a storage ask each other to show proofs.  Blocks.

    certs/.board.json            by instance: what it asks for, and what it shows of the others'
    certs/.instance-<name>       held locked for as long as that instance lives

The file is rewritten in place and under its lock, because that is what network
file systems keep fresh; one that a crash has left half written counts as empty.
What is read is judged like anybody's: it names no path, and nothing is shown
that is no key authorization.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from time import sleep
from typing import Any, BinaryIO

from acme_client.challenges.proof import Proof
from acme_client.disk import FILE_MODE, Lock, make_folder, take_long_lock
from acme_client.frozen import frozen
from acme_client.names import read_name

MOST = 64
"""Proofs that are taken of one instance: it has four orders under way."""

LARGEST = 1 << 20

TRIES, PAUSE = 10, 0.05
"""How often the file's lock is tried for, and the seconds in between: who holds it may be a container that is
paused, and whoever waits has the storage's one thread."""

_NAME = re.compile(r"[0-9a-f]{16}\Z")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,256}\Z")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")


@frozen
class Wanted:
    """A proof that another instance is asked to show, too; `kind` is the challenge's type."""

    kind: str
    proof: Proof

    @property
    def mark(self) -> str:
        """What stands for it on the board; a CA may give all challenges of a name one token."""
        return f"{self.kind} {self.proof.token}"


@frozen
class Others:
    """The other instances that live: how many, what they ask for, and the marks of what all of them show."""

    count: int = 0
    ask: frozenset[Wanted] = frozenset()
    show: frozenset[str] = frozenset()


class Board:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = token_hex(8)
        self._life: Lock | None = None

    def exchange(self, asks: Collection[Wanted], shows: Collection[Wanted]) -> Others:
        """Say what we ask for and show, and hear the same of the others; OSError where that cannot be."""
        if self._life is None:
            make_folder(self._folder)
            self._life = take_long_lock(self._lock_of(self._name))
        with self._open(os.O_RDONLY, fcntl.LOCK_SH) as file:
            before = _read(file)
            others, after = self._judge(before, asks, shows)
        if after != before:
            with self._open(os.O_RDWR, fcntl.LOCK_EX) as file:
                others, after = self._judge(_read(file), asks, shows)
                file.seek(0)
                file.write(json.dumps(after).encode())
                file.truncate()
        return Others(
            len(others),
            frozenset(wanted for each in others.values() for wanted in _asked(each)),
            frozenset.intersection(*map(_shown, others.values())) if others else frozenset(),
        )

    def _judge(
        self, before: Mapping[str, Any], asks: Collection[Wanted], shows: Collection[Wanted]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The others that live, by what the board says; and what it should say."""
        others = {name: each for name, each in before.items() if name != self._name and self._lives(name)}
        mine = {
            # Where nobody else is, nothing is told to anybody.
            "asks": [_written(each) for each in asks] if others else [],
            "shows": sorted(each.mark for each in shows),
        }
        return others, {**others, self._name: mine}

    def leave(self) -> None:
        """Live no more; the others forget us."""
        if self._life:
            self._life.close()
            self._life = None

    def _lives(self, name: str) -> bool:
        path = self._lock_of(name)
        if (lock := take_long_lock(path)) is None:
            return True
        with lock:
            path.unlink(missing_ok=True)
        return False

    def _lock_of(self, name: str) -> Path:
        return self._folder / f".instance-{name}"

    @contextmanager
    def _open(self, access: int, lock: int) -> Iterator[BinaryIO]:
        path = self._folder / ".board.json"
        handle = os.open(path, access | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
        with os.fdopen(handle, "rb" if access == os.O_RDONLY else "r+b") as file:
            _lock(file, lock)
            yield file


def _lock(file: BinaryIO, how: int) -> None:
    for _ in range(TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return
        sleep(PAUSE)
    raise TimeoutError("somebody holds the board and does nothing with it")


def _read(file: BinaryIO) -> dict[str, Any]:
    try:
        document = json.loads(file.read(LARGEST))
    except (ValueError, RecursionError):
        return {}
    known = document.items() if isinstance(document, dict) else ()
    return {name: each for name, each in known if _NAME.match(name) and isinstance(each, dict)}


def _written(wanted: Wanted) -> Mapping[str, str]:
    proof = wanted.proof
    return {"kind": wanted.kind, "host": proof.host, "token": proof.token, "answer": proof.key_authorization}


def _asked(document: Mapping[str, Any]) -> Iterator[Wanted]:
    for each in _items(document, "asks"):
        if isinstance(each, dict):
            kind, host, token, answer = (str(each.get(name)) for name in ("kind", "host", "token", "answer"))
            begin, _, thumbprint = answer.rpartition(".")
            name = read_name(host)
            fits = begin == token and _TOKEN.match(token) and _THUMBPRINT.match(thumbprint)
            if fits and name.host == host and not name.refusal:
                yield Wanted(kind, Proof(host, token, answer))


def _shown(document: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(each for each in _items(document, "shows") if isinstance(each, str))


def _items(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    return value[:MOST] if isinstance(value, list) else []
