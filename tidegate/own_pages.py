"""Own pages: what visitors see where no app answers, from a directory of the owner's, watched.

404.html  503.html  4xx.html  5xx.html     {{status}} {{title}} {{message}} stand for what is told
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from proxy.problem import Problem

LOOK_EVERY = 1.0
LARGEST = 256 * 1024
"""Bytes of a page: each answer brings it whole."""
_NAME = re.compile(r"([45](?:[0-9]{2}|xx))\.html?", re.IGNORECASE)
NAMES = "404.html, 503.html, 4xx.html, 5xx.html and their like"


@dataclass(slots=True)
class Shelf:
    """Pages by status: the last content of each that could be read, and what is wrong with it now."""

    directory: Path
    pages: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    _signature: tuple[object, ...] | None = None

    def look(self) -> bool:
        """Read what has changed; whether anything has.  Blocks."""
        files, signature = _listed(self.directory)
        if signature == self._signature:
            return False
        self._signature = signature
        if files is None:
            what, now = "There is no such directory.", "Tidegate's own pages are shown."
            self.pages, self.problems = {}, (Problem(f"pages={self.directory}", what, now, "warning"),)
            return True
        found = dict(self._read(files))
        self.pages = {status: text for status, text in found.items() if isinstance(text, str)}
        self.problems = tuple(each for each in found.values() if isinstance(each, Problem))
        return True

    def _read(self, files: list[Path]) -> Iterator[tuple[str, str | Problem]]:
        for file in files:
            named = _NAME.fullmatch(file.name)
            if named is None:
                what, now = f"A page is called after a status: {NAMES}.", "The file is ignored."
                yield file.name, Problem(str(file), what, now, "warning")
                continue
            status = named[1].lower()
            try:
                yield status, _text(file)
            except (OSError, ValueError) as error:
                reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
                kept = status in self.pages
                now = "Its last version that could be read is shown." if kept else "It is not shown."
                if kept:
                    yield status, self.pages[status]
                yield file.name, Problem(str(file), f"The page cannot be used: {reason}.", now)


def _text(file: Path) -> str:
    with file.open("rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it has more than {LARGEST // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8 text") from None
    if not text.strip():
        raise ValueError("it is empty")
    return text


def _listed(directory: Path) -> tuple[list[Path] | None, tuple[object, ...]]:
    """The files that could be pages, and what changes when any of them does; None without a directory."""
    files, signature = [], list[object]()
    try:
        named = sorted(each for each in directory.iterdir() if each.suffix.lower() in (".html", ".htm"))
    except OSError:
        return None, ("none",)
    for file in named:
        try:
            status = file.stat()
        except OSError:
            continue  # removed meanwhile
        files.append(file)
        signature.append((file.name, status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode))
    return files, tuple(signature)


async def watch_pages(
    directory: Path, publish: Callable[[Mapping[str, str], tuple[Problem, ...]], None]
) -> NoReturn:
    """Publish the pages now, and again whenever they change."""
    shelf = Shelf(directory)
    while True:
        if await asyncio.to_thread(shelf.look):
            publish(dict(shelf.pages), shelf.problems)
        await asyncio.sleep(LOOK_EVERY)
