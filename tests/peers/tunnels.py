"""Tunnels: WebSockets as bytes both ways (RFC 6455, RFC 9110 7.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from tests.peers.judging import RIGHT, Outcome, Verdict
from tests.proxy.scripted_server import Script

if TYPE_CHECKING:
    from tests.peers.playing import Address

ASK = (
    b"GET /chat HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
AGREED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
ECHO: Script = ["ask", AGREED, "echo"]
LARGEST = 64 << 20
OPCODES = {
    0: "continuation",
    1: "text",
    2: "binary",
    3: "reserved",
    8: "close",
    9: "ping",
    10: "pong",
    15: "reserved too",
}
LENGTHS = (0, 1, 2, 125, 126, 127, 1000, 65535, 65536)


def frame(opcode: int, length: int, *, masked: bool, fin: bool = True, rsv: int = 0) -> bytes:
    """RFC 6455 5.2; a tunnel does not care whether it is a good one."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    mask = 0x80 if masked else 0
    if length < 126:
        head = bytes((first, mask | length))
    elif length < 65536:
        head = bytes((first, mask | 126)) + length.to_bytes(2)
    else:
        head = bytes((first, mask | 127)) + length.to_bytes(8)
    return head + (b"\x01\x02\x03\x04" if masked else b"") + bytes(n % 251 for n in range(length))


async def opened(
    address: Address, script: Script, early: bytes = b"", tls: bool = False
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    """Both ends of the client's side, once the app has agreed, and the head it agreed with."""
    await address.backend.fresh(script=script)
    reader, writer = await address.dial(tls)
    writer.write((ASK.replace(b"a.test", b"localhost") if tls else ASK) + early)
    return reader, writer, await reader.readuntil(b"\r\n\r\n")


async def echoed(
    data: bytes, address: Address, *, early: bool = False, tls: bool = False, step: int = 0
) -> Outcome:
    """All of it comes back as it went."""
    reader, writer, head = await opened(address, ECHO, data if early else b"", tls)
    if b" 101 " not in head:
        return Verdict.OTHERWISE, f"answered {head[:40]!r}"
    if not early:
        for at in range(0, len(data), step or len(data)):
            writer.write(data[at : at + (step or len(data))])
            if step:
                await asyncio.sleep(0)
    try:
        async with asyncio.timeout(25):
            back = await reader.readexactly(len(data))
    except (asyncio.IncompleteReadError, TimeoutError, ConnectionError) as error:
        return Verdict.OTHERWISE, f"lost bytes: {type(error).__name__}"
    finally:
        writer.transport.abort()
    return RIGHT if back == data else (Verdict.HARMFUL, "other bytes came back")


async def greeted(address: Address) -> Outcome:
    """What the app sends together with its agreement."""
    reader, writer, _ = await opened(address, ["ask", AGREED + frame(1, 5, masked=False), "echo"])
    return await _expect(reader, writer, frame(1, 5, masked=False))


async def last_words(address: Address) -> Outcome:
    """The app speaks and leaves: all of it arrives, and then the end."""
    said = frame(2, 50_000, masked=False)
    reader, writer, _ = await opened(address, ["ask", AGREED, said, "close"])
    return await _expect(reader, writer, said, end=True)


async def half_closed(address: Address) -> Outcome:
    """The client ends its direction; what it had sent comes back first, whatever happens then."""
    said = frame(1, 1000, masked=True)
    reader, writer, _ = await opened(address, ECHO)
    writer.write(said)
    writer.write_eof()
    return await _expect(reader, writer, said, end=True)


async def cut_off(address: Address) -> Outcome:
    """The app is gone: the client hears of it."""
    reader, writer, _ = await opened(address, ["ask", AGREED, "tick", "reset"])
    return await _expect(reader, writer, b"", end=True)


async def _expect(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, end: bool = False
) -> Outcome:
    try:
        async with asyncio.timeout(5):
            back = await reader.readexactly(len(data))
            rest = await reader.read(1) if end else b""
    except asyncio.IncompleteReadError as short:
        return Verdict.OTHERWISE, f"lost {len(data) - len(short.partial)} of {len(data)} octets"
    except ConnectionError:
        return RIGHT if not data else (Verdict.OTHERWISE, "a reset")
    except TimeoutError:
        return Verdict.OTHERWISE, "nothing within 5 s"
    finally:
        writer.transport.abort()
    return RIGHT if back == data and not rest else (Verdict.HARMFUL, "other bytes came")


async def declined(address: Address) -> Outcome:
    """An app that does not agree answers like any other."""
    no = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: because\r\n\r\nno"
    _, writer, head = await opened(address, ["ask", no])
    writer.transport.abort()
    return (
        RIGHT if b" 403 " in head and b"because" in head else (Verdict.OTHERWISE, f"answered {head[:40]!r}")
    )


async def another_protocol(address: Address) -> Outcome:
    """An app that switches to what nobody asked for (RFC 9110 7.8) is not believed."""
    _, writer, head = await opened(address, ["ask", AGREED.replace(b"websocket", b"foo"), "echo"])
    writer.transport.abort()
    return (Verdict.OTHERWISE, "switched to foo") if b" 101 " in head else RIGHT


def _frames() -> dict[str, bytes]:
    made = {}
    for opcode, kind in OPCODES.items():
        for length in LENGTHS:
            for masked in (True, False):
                name = f"{kind}, {length} octets, {'masked' if masked else 'bare'}"
                made[name] = frame(opcode, length, masked=masked)
    made |= {
        "the three reserved bits": b"".join(frame(1, 3, masked=True, rsv=bit) for bit in (1, 2, 4, 7)),
        "a message in three fragments": b"".join(
            (
                frame(1, 9, masked=True, fin=False),
                frame(0, 9, masked=True, fin=False),
                frame(0, 9, masked=True),
            )
        ),
        "a ping between two fragments": b"".join(
            (frame(2, 9, masked=True, fin=False), frame(9, 4, masked=True), frame(0, 9, masked=True))
        ),
        "a length that nobody needs so long": b"\x82\xff" + (5).to_bytes(8) + b"abcdhello",
        "a request": b"GET /inner HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "every octet": bytes(range(256)) * 4,
        "a thousand small ones": frame(1, 20, masked=True) * 1000,
    }
    return made


Tunnel = Callable[["Address"], Awaitable[Outcome]]
FRAMES = _frames()
TUNNELS: dict[str, Tunnel] = {
    **{name: partial(echoed, data) for name, data in FRAMES.items()},
    "octet by octet": partial(echoed, frame(1, 200, masked=True), step=1),
    "before the app has agreed": partial(echoed, frame(1, 200, masked=True), early=True),
    "much before the app has agreed": partial(echoed, frame(2, 30_000, masked=True), early=True),
    "over TLS": partial(echoed, frame(2, 100_000, masked=True), tls=True),
    "over TLS, before the app has agreed": partial(echoed, frame(1, 200, masked=True), early=True, tls=True),
    "a message of 64 MiB": partial(echoed, b"\x82\xff" + LARGEST.to_bytes(8) + bytes(LARGEST + 4)),
    "the app speaks first": greeted,
    "the app's last words": last_words,
    "the client ends its direction": half_closed,
    "the app resets": cut_off,
    "the app declines": declined,
    "the app switches to another protocol": another_protocol,
}
