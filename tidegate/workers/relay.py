"""Relay: what a worker writes to its log, passed on line by line.

The parent writes all of it: lines of several processes in one pipe are torn
when they are longer than 4 KiB (pipe(7), PIPE_BUF), and a visitor could make
one that long and forge another by it.
"""

from __future__ import annotations

from asyncio import StreamReader
from collections.abc import Callable

from tidegate.printable import printable

READ = 64 * 1024
LONGEST = 256 * 1024
"""Bytes of a line; a path of 8 KiB with every byte escaped has a fifth of it."""


async def relay(stream: StreamReader, write: Callable[[str], None]) -> None:
    """Until the end of the stream; no line of it gives orders to a terminal."""
    rest = b""
    while piece := await stream.read(READ):
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LONGEST:
            lines.append(rest)
            rest = b""
        for line in lines:
            write(shown(line))
    if rest:
        write(shown(rest))


def shown(line: bytes) -> str:
    return printable(line.decode("utf-8", "backslashreplace"))
