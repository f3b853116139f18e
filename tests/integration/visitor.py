"""A visitor who keeps connections open and believes nothing: raw HTTP/1.1, every answer says who gave it."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def app(self) -> str:
        return self.fields.get("x-app", "")


class Visitor:
    """One keep-alive connection to one site."""

    def __init__(
        self, port: int, host: str, context: ssl.SSLContext | None = None, *, address: str = LOOPBACK
    ) -> None:
        self.port, self.host, self.context, self.address = port, host, context, address
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(
            self.address, self.port, ssl=self.context, server_hostname=self.host if self.context else None
        )

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    async def get(self, target: str = "/", fields: str = "") -> Answer:
        return await self.ask("GET", target, fields)

    async def post(self, target: str, body: bytes) -> Answer:
        return await self.ask("POST", target, f"Content-Length: {len(body)}\r\n", body)

    async def ask(self, method: str, target: str, fields: str = "", body: bytes = b"") -> Answer:
        """Ask once; connect (again) when the last answer closed the connection."""
        if self.writer is None:
            await self.connect()
        assert self.writer is not None
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\n{fields}\r\n"
        self.writer.write(head.encode() + body)
        try:
            answer = await self.answer()
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            raise
        if answer.fields.get("connection", "").lower() == "close":
            self.close()
        return answer

    async def head(self) -> tuple[int, dict[str, str]]:
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
        }
        return int(first.split(" ")[1]), fields

    async def answer(self) -> Answer:
        status, fields = await self.head()
        return Answer(status, fields, await self.reader.readexactly(int(fields.get("content-length", 0))))

    async def upgrade(self) -> None:
        """Turn this connection into a WebSocket."""
        assert self.writer is not None
        self.writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {self.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        status, _ = await self.head()
        assert status == 101, status

    async def message(self, text: bytes) -> bytes:
        """Send one masked text frame; the payload of the frame that comes back (RFC 6455 5.2)."""
        assert self.writer is not None
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
        self.writer.write(bytes([0x81, 0x80 | len(text)]) + mask + masked)
        return (await self.frame())[1]

    async def frame(self) -> tuple[int, bytes]:
        first, length = await self.reader.readexactly(2)
        return first & 0x0F, await self.reader.readexactly(length)


@dataclass(slots=True)
class Tally:
    """What a load saw: answers by (status, app), and what broke."""

    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.answers.total() + len(self.broken)


async def keep_asking(
    tally: Tally, port: int, host: str, target: str, stop: asyncio.Event, every: float = 0.0
) -> None:
    """Ask on one connection until told to stop, and write down every outcome."""
    visitor = Visitor(port, host)
    while not stop.is_set():
        try:
            answer = await visitor.get(target)
            tally.answers[answer.status, answer.app] += 1
        except (OSError, asyncio.IncompleteReadError) as failure:
            tally.broken.append(repr(failure))
        await asyncio.sleep(every)
    visitor.close()
