"""Visitor: a client of raw sockets that believes nothing but RFC 9112."""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
STATUS_LINE = re.compile(r"HTTP/1\.1 ([1-5][0-9][0-9]) [^\r\n]*")
PATIENCE = 30.0
"""Seconds for one answer: none takes nearly so long, whatever the machine is busy with."""


@dataclass(slots=True)
class Answer:
    """`whole` tells an answer that ended as it said from one that was cut."""

    status: int
    fields: dict[str, str]
    body: bytes = b""
    whole: bool = False
    interims: list[int] = field(default_factory=list)

    @property
    def keeps(self) -> bool:
        return self.whole and self.fields.get("connection") != "close"


@dataclass(slots=True)
class Door:
    """How Tidegate is reached: an entrypoint's port, and TLS with this name or none."""

    port: int
    host: str
    tls: ssl.SSLContext | None = None


class Visitor:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def at(cls, door: Door) -> Visitor:
        name = door.host if door.tls else None
        async with asyncio.timeout(PATIENCE):
            pair = await asyncio.open_connection(
                LOOPBACK, door.port, ssl=door.tls, server_hostname=name, limit=2**18
            )
        return cls(*pair)

    def leave(self) -> None:
        self.writer.transport.abort()

    async def ask(self, request: bytes, method: str) -> Answer | None:
        """None where the connection ended before there was a head."""
        self.writer.write(request)
        return await self.answer(method)

    async def answer(self, method: str) -> Answer | None:
        interims: list[int] = []
        while True:
            async with asyncio.timeout(PATIENCE):
                try:
                    head = await self.reader.readuntil(b"\r\n\r\n")
                except (asyncio.IncompleteReadError, ConnectionError):
                    return None
            answer = read_head(head)
            if answer.status >= 200 or answer.status == 101:
                break
            interims.append(answer.status)
        answer.interims = interims
        async with asyncio.timeout(PATIENCE):
            try:
                await self._read_body(answer, method)
            except (asyncio.IncompleteReadError, ConnectionError) as cut:
                answer.body += getattr(cut, "partial", b"")
        return answer

    async def _read_body(self, answer: Answer, method: str) -> None:
        if method == "HEAD" or answer.status in (101, 204, 304):
            pass
        elif answer.fields.get("transfer-encoding") == "chunked":
            await self._read_chunks(answer)
        elif "content-length" in answer.fields:
            answer.body = await self.reader.readexactly(int(answer.fields["content-length"]))
        else:
            answer.body = await self.reader.read()
        answer.whole = True

    async def _read_chunks(self, answer: Answer) -> None:
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            answer.body += await self.reader.readexactly(size)
            if await self.reader.readexactly(2) != b"\r\n":
                raise AssertionError("a chunk without its end")
        while await self.reader.readuntil(b"\r\n") != b"\r\n":
            pass


def read_head(head: bytes) -> Answer:
    line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    found = STATUS_LINE.fullmatch(line)
    if not found:
        raise AssertionError(f"not a status line: {line!r}")
    pairs = [(name.lower(), value) for name, _, value in (each.partition(": ") for each in lines)]
    for once in ("content-length", "transfer-encoding", "connection", "x-seed"):
        if sum(name == once for name, _ in pairs) > 1:
            raise AssertionError(f"{once} twice: {lines}")
    return Answer(int(found[1]), dict(pairs))
