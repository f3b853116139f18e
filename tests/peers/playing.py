"""Playing: each case of the corpora at a proxy's address, one after another, before one backend."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from proxy.exchange import TimedOut
from tests.peers.backend import LOOPBACK, Backend
from tests.peers.judging import Outcome, Verdict, judge_app, judge_guarded, judge_request
from tests.peers.tunnels import TUNNELS
from tests.proxy.corpus.upstream_behaviours import Behaviour
from tests.proxy.scripted_server import SECOND
from tests.proxy.wire import corpus_apps
from tests.proxy.wire.corpus_octets import OCTETS
from tests.proxy.wire.corpus_reading import Malformed, read_responses
from tests.proxy.wire.corpus_requests import GROUPS, GUARDED, PROBE, REFUSED, SPOOFED, Served

SECURE_HOST = "localhost"
QUIET = 0.7
"""Seconds of silence after which nothing more is awaited: on loopback an answer takes milliseconds."""
LONGEST_SPLIT = 700  # octets of a case that is sent one by one


@dataclass(slots=True)
class Address:
    """A proxy under test; `secure` is its TLS port."""

    web: int
    secure: int
    context: ssl.SSLContext
    backend: Backend

    async def dial(self, tls: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = self.context if tls else None
        return await asyncio.open_connection(
            LOOPBACK, self.secure if tls else self.web, ssl=context,
            server_hostname=SECURE_HOST if tls else None, limit=2**22,
        )  # fmt: skip


class Case(NamedTuple):
    group: str
    name: str
    play: Callable[[Address], asyncio.Future[Outcome] | object]


@dataclass(slots=True)
class Heard:
    """What came back, whether the connection ended, and whether by a reset."""

    back: bytearray = field(default_factory=bytearray)
    closed: bool = False
    reset: bool = False


async def listen(reader: asyncio.StreamReader, heard: Heard, done: Callable[[], bool]) -> None:
    while not heard.closed and not done():
        try:
            async with asyncio.timeout(QUIET):
                data = await reader.read(2**20)
        except TimeoutError:
            return
        except ConnectionError:
            heard.closed = heard.reset = True
            return
        heard.back += data
        heard.closed = not data


async def ask(address: Address, raw: bytes, *, tls: bool = False, split: bool = False) -> Heard:
    """Send it and /probe behind it, until the answer to /probe is there, or nothing more comes."""
    heard = Heard()
    reader, writer = await address.dial(tls)
    whole = raw + PROBE.replace(b"a.test", SECURE_HOST.encode()) if tls else raw + PROBE
    try:
        if split:
            for at in range(len(whole)):
                writer.write(whole[at : at + 1])
                await asyncio.sleep(0)
        else:
            writer.write(whole)
        await listen(reader, heard, lambda: answered(address.backend, heard))
    finally:
        writer.transport.abort()
    return heard


LAST = re.compile(rb"(?i)\r\nconnection: *close\r\n")


def answered(backend: Backend, heard: Heard) -> bool:
    """Nothing more can come: /probe was answered, or an answer that is the last is whole."""
    if LAST.search(heard.back) and finished(heard, "GET"):
        return True
    asked = any(b"GET /probe " in bytes(data) for data in backend.heard)
    return asked and heard.back.endswith((b"ok", b"ok\r\n0\r\n\r\n"))


async def play_request(
    raw: bytes, case: Served | None, address: Address, *, tls: bool = False, split: bool = False
) -> Outcome:
    await address.backend.fresh(case.answer if case else Served(b"", ()).answer)
    if tls:
        raw = raw.replace(b"a.test", SECURE_HOST.encode())
    heard = await ask(address, raw, tls=tls, split=split)
    return judge_request(case, bytes(heard.back), address.backend.heard, heard.closed)


async def play_guarded(target: str, address: Address) -> Outcome:
    await address.backend.fresh()
    heard = await ask(address, f"GET {target} HTTP/1.1\r\nHost: guard.test\r\n\r\n".encode("latin-1"))
    return judge_guarded(bytes(heard.back), address.backend.heard)


async def play_app(behaviour: Behaviour, address: Address) -> Outcome:
    # Who keeps the connection may ask again on it.
    await address.backend.fresh(script=[*behaviour.script, *["ask", SECOND] * 4])
    heard = Heard()
    reader, writer = await address.dial()
    try:
        writer.write(f"{behaviour.method} /first HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
        await listen(reader, heard, lambda: finished(heard, behaviour.method))
    finally:
        writer.transport.abort()
    next_ones = [await second(address) for _ in range(2)]
    return judge_app(behaviour, bytes(heard.back), heard.closed, heard.reset, next_ones)


def finished(heard: Heard, method: str) -> bool:
    """Whether a whole answer is there; a part of a head is not one."""
    try:
        found = read_responses(bytes(heard.back), [method], closed=False, canonical=False)
    except Malformed:
        return False
    return bool(found) and found[-1].status >= 200 and found[-1].whole


async def second(address: Address) -> bytes:
    """The content that another client gets; what the last answer of the case left shows here."""
    heard = Heard()
    reader, writer = await address.dial()
    writer.write(b"GET /second HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
    await listen(reader, heard, lambda: heard.back.endswith((b"second", b"second\r\n0\r\n\r\n")))
    writer.transport.abort()
    body = bytes(heard.back).partition(b"\r\n\r\n")[2]
    return b"second" if b"second" in body else body[-60:]


def takes_long(behaviour: Behaviour) -> bool:
    """It ends with a proxy's time limit, which is a minute for most."""
    return behaviour.outcome is TimedOut or bool(
        {"hang", "deaf"} & {s for s in behaviour.script if isinstance(s, str)}
    )


def cases() -> Iterator[Case]:
    for group, served in GROUPS.items():
        for name, case in served.items():
            yield Case(group, name, partial(play_request, case.raw, case))
            if len(case.raw) <= LONGEST_SPLIT:
                yield Case("octet by octet", name, partial(play_request, case.raw, case, split=True))
            # Another name there is another length of what holds it.
            if b"a.test" in case.raw and b"a.test:" not in case.raw.lower() and b"a.test" not in case.body:
                yield Case("over TLS", name, partial(play_request, case.raw, case, tls=True))
    for name, case in SPOOFED.items():
        yield Case("spoofed fields", name, partial(play_request, case.raw, case))
    for name, (_, raw) in REFUSED.items():
        group = "malformed chunks" if name.startswith("chunks: ") else "malformed requests"
        yield Case(group, name, partial(play_request, raw, None))
    for octets in OCTETS.values():
        for name, (raw, served_as) in octets.items():
            yield Case("each octet", name, partial(play_request, raw, served_as))
    for target in GUARDED:
        yield Case("guarded paths", target, partial(play_guarded, target))
    for name, behaviour in corpus_apps.BEHAVIOURS.items():
        if not takes_long(behaviour):
            good = isinstance(behaviour.outcome, bytes)
            yield Case("apps that behave" if good else "apps that do not", name, partial(play_app, behaviour))
    for name, tunnel in TUNNELS.items():
        yield Case("WebSocket", name, tunnel)


async def play_all(address: Address, only: str = "") -> AsyncIterator[tuple[Case, Outcome]]:
    for case in cases():
        if not only or case.group in only.split(","):
            try:
                async with asyncio.timeout(30):
                    yield case, await case.play(address)
            except TimeoutError:
                yield case, (Verdict.OTHERWISE, "nothing within 30 s")
