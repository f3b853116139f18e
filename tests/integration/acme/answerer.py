"""The smallest server that can stand where Tidegate's HTTP entrypoint stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Answerer:
    """Answers `GET path` with what `answer(path)` gives, and 404 where that is nothing."""

    def __init__(self, answer: Callable[[str], bytes | None]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        path = head.split(b" ", 2)[1].decode("latin-1")
        self.asked.append(path)
        body = self.answer(path)
        status = b"404 Not Found" if body is None else b"200 OK"
        body = body or b""
        writer.write(
            b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body)
        )
        writer.close()
