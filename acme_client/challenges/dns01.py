"""DNS-01: a TXT record that the CA finds below the host (RFC 8555 8.4); the only proof for a wildcard."""

from __future__ import annotations

import asyncio
import importlib
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from acme_client.challenges.proof import Proof
from acme_client.dns.journal import Journal, Kept, Record
from acme_client.dns.provider import Provider, failed
from acme_client.events import Event, RecordLeft
from acme_client.failure import Failure
from acme_client.frozen import frozen
from acme_client.worker import Worker

if TYPE_CHECKING:
    from acme_client.dns.lookup import Heard, Place, Server

PATIENCE = 120.0
"""Seconds for a zone's servers to have the record, all of them."""

ROUND = 1.0
IN_A_ROW = 2
"""Rounds in which all must have it: one name may stand for many servers that take turns."""

AGAIN = 600.0
"""Seconds until a record that could not be removed is tried again."""


class Looks(Protocol):
    """The part of `Lookup` that is asked here."""

    def place(self, name: str) -> Place: ...
    def servers(self, zone: str) -> tuple[Server, ...]: ...
    def hear(self, server: Server, name: str) -> Heard: ...


@frozen
class Checking:
    """`on`: ask the zone's own servers until they have a record.  `wait`: seconds more, whatever they say."""

    on: bool = True
    wait: float = 0.0


USUAL = Checking()


class DNS01:
    type = "dns-01"

    def __init__(
        self,
        provider: Provider,
        journal: Journal,
        log: Callable[[Event], None],
        *,
        resolvers: Sequence[str] = (),
        checking: Checking = USUAL,
        lookup: Callable[[], Looks] | None = None,
    ) -> None:
        self._provider = provider
        self._journal = journal
        self._log = log
        self._checking = checking
        self._open_lookup = lookup or (lambda: _lookup(resolvers))
        # One thread: most providers know only whole sets of values, which are read, changed and written.
        self._writing = Worker("dns", 1)
        self._looking = Worker("dns-lookup", 8)
        self._disk = Worker("dns-journal", 1)
        self._turn: AbstractAsyncContextManager[object] = (
            asyncio.Lock() if provider.holds_one else nullcontext()
        )
        self._released = asyncio.Event()
        self._told: set[Record] = set()

    def obstacle(self, host: str) -> str:
        return ""

    @asynccontextmanager
    async def show(self, proof: Proof) -> AsyncIterator[None]:
        """For as long as the block runs, which begins when the zone's servers have the record.

        It is removed afterwards by `run`: nobody has to wait for that, and a
        certificate is as good when it fails.
        """
        async with self._turn:
            lookup = await self._looking.call(self._open_lookup)
            place = await self._looking.call(lookup.place, f"_acme-challenge.{proof.host}")
            record = Record(
                self._provider.name, place.zone, place.name, record_value(proof.key_authorization)
            )
            kept = await self._disk.call(self._journal.add, record)
            try:
                await self._writing.call(self._provider.present, record.zone, record.name, record.value)
                await self._wait_until_seen(lookup, record)
                yield
            finally:
                kept.release()
                self._released.set()

    async def run(self) -> None:
        """Remove what is not needed any more, first of all what an earlier run left.  Never raises."""
        while True:
            self._released.clear()
            left = await self._sweep()
            try:
                async with asyncio.timeout(AGAIN if left else None):
                    await self._released.wait()
            except TimeoutError:
                continue

    async def _sweep(self) -> int:
        """Try all that is left over once; how many are left still."""
        try:
            async with self._turn:
                found = await self._disk.call(self._journal.take_left)
                removed = [await self._remove(kept) for kept in found]
        except OSError:
            return 1  # the manager says what is wrong with the storage, with every other file of it
        return removed.count(False)

    async def _remove(self, kept: Kept) -> bool:
        record = kept.record
        try:
            if record.provider == self._provider.name:
                await self._writing.call(self._provider.withdraw, record.zone, record.name, record.value)
            else:
                self._tell(record, f"{record.provider} set it and is no longer set up; remove it there.")
            await self._disk.call(self._journal.remove, kept)
        except Failure as failure:
            self._tell(record, str(failure))
            return False
        finally:
            kept.release()
        self._told.discard(record)
        return True

    def _tell(self, record: Record, reason: str) -> None:
        if record not in self._told:
            self._told.add(record)
            self._log(RecordLeft(record.name, reason))

    async def _wait_until_seen(self, lookup: Looks, record: Record) -> None:
        if self._checking.on:
            await self._ask_servers(lookup, record)
        await asyncio.sleep(self._checking.wait)

    async def _ask_servers(self, lookup: Looks, record: Record) -> None:
        servers = await self._looking.call(lookup.servers, record.zone)
        loop, in_a_row = asyncio.get_running_loop(), 0
        deadline = loop.time() + PATIENCE
        while True:
            heard = await asyncio.gather(
                *(self._looking.call(lookup.hear, server, record.name) for server in servers)
            )
            in_a_row = in_a_row + 1 if seen(heard, record.value) else 0
            if in_a_row == IN_A_ROW:
                return
            if loop.time() >= deadline:
                raise unseen(heard, record)
            await asyncio.sleep(ROUND)


def record_value(key_authorization: str) -> str:
    """The TXT value for a proof (RFC 8555 8.4)."""
    return urlsafe_b64encode(sha256(key_authorization.encode("ascii")).digest()).decode().rstrip("=")


def seen(heard: Sequence[Heard], value: str) -> bool:
    """Whether all servers that answer have the value; one that is down is no obstacle while others answer."""
    answers = [each for each in heard if not each.silence]
    return bool(answers) and all(value in each.values for each in answers)


def unseen(heard: Sequence[Heard], record: Record) -> Failure:
    said = "; ".join(map(str, heard))
    if all(each.silence for each in heard):
        cause = (
            f"No server of the zone {record.zone} can be asked whether it has the record {record.name}."
            " Where this network lets no such question out, switch the setting dns-check off."
        )
    else:
        cause = (
            f"After {PATIENCE:.0f} s not all servers of the zone {record.zone} have the record {record.name}."
        )
    return failed(cause, said)


def _lookup(resolvers: Sequence[str]) -> Looks:
    # `dnspython` is 3 MB that a program which has nothing to prove does without.
    made: Looks = importlib.import_module("acme_client.dns.lookup").Lookup(resolvers)
    return made
