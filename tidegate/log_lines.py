"""Log lines: written by a thread of their own, so that a slow reader of the log never stops the proxy."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

WAITING_MOST = 8 << 20
"""Characters that may wait for the reader; what comes beyond is counted and left out."""

GATHER = 0.05
"""Seconds between two writes under load: twenty wake-ups of the thread a second, not one a line."""


def lost_notice(lines: int) -> str:
    return f"{lines} log lines were lost: they came faster than they were read."


class LogLines:
    """Takes a line at once and writes it soon: the first immediately, then whatever gathered meanwhile."""

    def __init__(
        self, stream: BinaryIO, notice: Callable[[int], str] = lost_notice, most: int = WAITING_MOST
    ) -> None:
        self._stream = stream
        self._notice = notice
        self._most = most
        self._waiting: deque[str] = deque()
        self._size = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        if self._closing.is_set():
            self._write_late(line)
            return
        with self._lock:
            if self._size + len(line) > self._most:
                self._lost += 1
                return
            self._waiting.append(line)
            self._size += len(line) + 1
        if not self._filled.is_set():
            self._filled.set()

    def close(self, within: float = 2.0) -> None:
        """Write what waits.  A reader that has stopped reading is left behind after `within` seconds."""
        self._closing.set()
        self._filled.set()
        self._thread.join(within)

    def _write_late(self, line: str) -> None:
        """Last words after `close`, unless the thread still waits for a reader that does not read."""
        if not self._thread.is_alive():
            self._put(f"{line}\n")

    def _write_all(self) -> None:
        while not self._closing.is_set():
            self._filled.wait()
            self._filled.clear()
            self._put(self._take())
            self._closing.wait(GATHER)
        self._put(self._take())

    def _take(self) -> str:
        with self._lock:
            lines, lost = list(self._waiting), self._lost
            self._waiting.clear()
            self._size = self._lost = 0
        if lost:
            lines.append(self._notice(lost))
        return "".join(f"{line}\n" for line in lines)

    def _put(self, text: str) -> None:
        if not text:
            return
        try:
            # Bytes that came as lone surrogates (file names, headers) must not stop the log.
            self._stream.write(text.encode("utf-8", "backslashreplace"))
            self._stream.flush()
        except (
            OSError,
            ValueError,
        ):  # the reader has gone, or the stream is closed: nowhere is left to say so
            with self._lock:
                self._lost += text.count("\n")
