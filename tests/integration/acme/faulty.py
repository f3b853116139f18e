"""Faulty: a CA's endpoint with a wire before it on which things go wrong.

    async with Faulty(ca) as faulty:
        faulty.on("/order-plz", Reply(503, "<html>", {"Retry-After": "30"}))

Requests that no fault is set for pass as they are; the CA makes its addresses
of the Host field, so they all lead through here.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.caddy import Caddy
from tests.pebble import Pebble


@dataclass(frozen=True)
class Reply:
    """Answered here; the CA never hears of it."""

    status: int
    body: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """The CA does what it is asked, and its answer gets lost."""


@dataclass(frozen=True)
class Late:
    """The CA's answer comes after so many seconds."""

    seconds: float


Fault = Reply | Cut | Late


def problem(kind: str, detail: str, status: int = 403, **fields: str) -> Reply:
    document = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status}
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return Reply(status, json.dumps(document), {"Content-Type": "application/problem+json"} | named)


class Faulty:
    """Stands where a `Pebble` or a `Caddy` stands."""

    def __init__(self, ca: Pebble | Caddy) -> None:
        self._ca = ca
        self._faults: list[tuple[str, Fault, int]] = []
        self.asked: list[str] = []
        self.port = 0

    @property
    def directory_url(self) -> str:
        return f"https://127.0.0.1:{self.port}{urlsplit(self._ca.directory_url).path}"

    @property
    def ca_bundle(self) -> Path:
        return self._ca.ca_bundle

    @property
    def address(self) -> str:
        return self._ca.address

    @property
    def http_port(self) -> int:
        return self._ca.http_port

    def on(self, path: str, fault: Fault, times: int = 1) -> None:
        """The next requests for paths that begin like this meet the fault."""
        self._faults.append((path, fault, times))

    def heal(self) -> None:
        self._faults.clear()

    def count(self, path: str) -> int:
        return sum(each.startswith(path) for each in self.asked)

    async def __aenter__(self) -> Faulty:
        folder = self._ca.ca_bundle.parent
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        await asyncio.to_thread(context.load_cert_chain, folder / "endpoint.pem", folder / "endpoint.key")
        self._trust = await asyncio.to_thread(ssl.create_default_context, cafile=str(self._ca.ca_bundle))
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _fault(self, path: str) -> Fault | None:
        for index, (begin, fault, times) in enumerate(self._faults):
            if path.startswith(begin):
                self._faults[index : index + 1] = [(begin, fault, times - 1)] if times > 1 else []
                return fault
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            body = await reader.readexactly(int(fields.get(b"content-length", 0)))
            path = head.split(b" ", 2)[1].decode()
            self.asked.append(path)
            if answer := await self._answer(self._fault(path), head, body):
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()

    async def _answer(self, fault: Fault | None, head: bytes, body: bytes) -> bytes:
        if isinstance(fault, Reply):
            fields = {"Content-Length": str(len(fault.body.encode())), "Connection": "close", **fault.fields}
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            return f"HTTP/1.1 {fault.status} Fault\r\n{lines}\r\n{fault.body}".encode()
        answer = await self._pass(head, body)
        if isinstance(fault, Late):
            await asyncio.sleep(fault.seconds)
        return b"" if isinstance(fault, Cut) else answer

    async def _pass(self, head: bytes, body: bytes) -> bytes:
        port = urlsplit(self._ca.directory_url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=self._trust)
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        writer.write(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]) + body)
        try:
            return await reader.read(-1)
        finally:
            writer.close()
