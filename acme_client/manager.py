"""Manager: the loop that keeps every wanted host certified.  The only writer of the storage.

    want -> load -> stand in -> publish -> plan -> lock, look again, test writing -> order -> save -> publish

A host without a certificate is due, and so is one whose certificate is to be
renewed: there is one way for both.  Whatever fails is written into the ledger
before anything else happens, so that starting again does not start over.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from acme_client import ari
from acme_client.accounts import Opened, open_session
from acme_client.attempt import Attempts, Elsewhere, Outcome, Sessions
from acme_client.authority import Authority
from acme_client.certificate import Certificate
from acme_client.challenges.http01 import HTTP01
from acme_client.challenges.tlsalpn01 import TLSALPN01
from acme_client.challenges.turns import in_order, next_kind
from acme_client.events import (
    AuthorityFailed,
    Bug,
    Event,
    Failed,
    Obtained,
    Refused,
)
from acme_client.failure import Failure
from acme_client.holdings import Holdings, Publish
from acme_client.host import Host, HostStatus
from acme_client.ledger import Entry, Renewal
from acme_client.names import Name, read_name
from acme_client.plan import choose, renew_at
from acme_client.retry import DAY
from acme_client.store import Store
from acme_client.worker import Worker

AT_ONCE = 4
"""Orders under way: a hundred hosts are done in minutes, and the CA is not flooded."""

ELSEWHERE = timedelta(seconds=5)
"""Another instance on this storage is ordering: time to look at its result."""

UNWRITABLE = timedelta(minutes=1)

OpenSession = Callable[[Store, Authority, Callable[[], datetime], str], Opened]


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - this is the loop that reads the clock


class Manager:
    def __init__(
        self,
        data: Path,
        authority: Authority,
        publish: Publish,
        log: Callable[[Event], None],
        *,
        clock: Callable[[], datetime] = utc_now,
        open_session: OpenSession = open_session,
        challenges: Collection[str] = ("http-01",),
    ) -> None:
        """`publish` gets the certificate of every wanted host, and one for all other names.

        `challenges` are the kinds that may be tried, the first one first.
        """
        self.http01 = HTTP01()
        self.tlsalpn01 = TLSALPN01()
        self._provers = in_order((self.http01, self.tlsalpn01), challenges)
        self._authority = authority
        self._log = log
        self._clock = clock
        self._random = Random()  # noqa: S311 - spreads waits, guards nothing
        self._store = Store(data)
        self._disk = Worker("storage", 1)
        self._holdings = Holdings(data, self._store, authority, self._disk, publish, log)
        self._network = Worker("acme", AT_ONCE)
        opening = partial(open_session, self._store, authority, clock)
        self._sessions = Sessions(opening, self._network, log)
        self._attempts = Attempts(
            authority, self._store, self._sessions, self._disk, self._network, self._provers, log, clock
        )
        self._hosts = self._holdings.hosts
        self._names: frozenset[str] = frozenset()
        self._newest = 0
        self._changed = asyncio.Event()
        self._pause = Entry()
        self._asking = False

    def want(self, hosts: Collection[str]) -> None:
        """Say which hosts are wanted from now on; cheap, to be called on every change of the routes.

        An order under way for a host that is no longer wanted is carried to its
        end: a container that restarts is back before that.
        """
        names = {name.host: name for name in map(self._judged, hosts)}
        self._names = frozenset(names)
        for host in sorted(names.keys() - self._hosts.keys()):
            self._newest += 1
            self._hosts[host] = Host(names[host], self._authority.directory_for(names[host]), self._newest)
            if names[host].refusal:
                self._log(Refused(host, names[host].refusal))
        self._changed.set()

    def _judged(self, host: str) -> Name:
        """Judging takes time: with ten thousand hosts it is done only once for each."""
        known = self._hosts.get(host)
        return known.name if known else self._authority.judge(read_name(host))

    def status(self) -> tuple[HostStatus, ...]:
        now = self._clock()
        return tuple(
            host.status(self._pause, now, self._holdings.obstacle)
            for _, host in sorted(self._hosts.items())
            if host.host in self._names
        )

    async def run(self) -> None:
        """Certify until cancelled.  That is at once: an order under way is gone on with at the next start."""
        try:
            await self._remember()
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._changed.clear()
                    wake = await self._pass(tasks)
                    await self._sleep(wake)
        finally:
            for host in self._hosts.values():
                host.busy = False
            self._asking = False

    async def _remember(self) -> None:
        """An outage of the CA is waited for after a restart too."""
        await self._holdings.repair_rights()
        if self._authority.directory:
            try:
                pause = await self._disk.call(self._store.load_pause, self._authority.directory)
            except OSError as error:
                self._holdings.unwritable(error)
            else:
                self._pause = pause.under(self._authority.fingerprint)

    async def _sleep(self, wake: datetime) -> None:
        seconds = max((wake - self._clock()).total_seconds(), 0.0)
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _pass(self, tasks: asyncio.TaskGroup) -> datetime:
        """Serve what there is, start what is due; returns when to look again."""
        for host in [host for host in self._hosts.values() if host.host not in self._names and not host.busy]:
            self._holdings.retire(host)
        now = self._clock()
        await self._holdings.settle(now)
        loaded = [host for host in self._hosts.values() if host.loaded]
        free = AT_ONCE - sum(host.busy for host in loaded)
        plan = choose([host.need() for host in loaded], self._pause, now, free)
        for name in plan.start:
            self._hosts[name].busy = True
            tasks.create_task(self._certify(self._hosts[name]))
        wakes = [plan.wake, self._ask_renewals(tasks, now)]
        if self._holdings.trouble:
            wakes.append(now + UNWRITABLE)
        return min(wakes)

    async def _certify(self, host: Host) -> None:
        """One attempt and its record; never raises, because the other hosts' orders are its neighbours."""
        try:
            await self._accept(host, await self._attempts.certify(host.need()))
        except Elsewhere:
            host.entry = replace(host.entry, next_try=self._clock() + ELSEWHERE)
        except Failure as failure:
            await self._record(host, failure)
        except OSError as error:
            self._holdings.unwritable(error)
            host.entry = replace(host.entry, next_try=self._clock() + UNWRITABLE)
        except Exception:
            self._log(Bug(host.host, traceback.format_exc()))
            await self._record(
                host, Failure("bug", "Tidegate failed by a fault of its own; its log has more.")
            )
        finally:
            host.busy = False
            self._changed.set()

    async def _accept(self, host: Host, outcome: Outcome) -> None:
        if outcome.stored is not None:
            self._holdings.take(host, outcome.stored)
            self._holdings.publish()
        if (certificate := outcome.certificate) is None:
            return
        renewed = host.held is not None
        host.held, host.entry = certificate, host.entry.succeeded()
        host.renewal = ari.fresh(certificate, host.renewal)
        host.unsaved = outcome.unsaved is not None
        self._holdings.publish()
        due = renew_at(certificate)
        self._log(Obtained(host.host, certificate.issuer, certificate.not_after, due, renewed))
        if outcome.unsaved:
            self._holdings.unwritable(outcome.unsaved)
        else:
            self._holdings.written()
        if self._pause.failures:
            await self._set_pause(Entry())

    async def _record(self, host: Host, failure: Failure) -> None:
        now, settings, jitter = self._clock(), self._authority.fingerprint, self._random.random()
        if failure.wide:
            if self._pause.waits(now):
                return  # an order beside this one has already said so
            pause = self._pause.failed(failure, now, settings, jitter)
            await self._set_pause(pause)
            self._log(AuthorityFailed(host.directory, failure.cause, failure.detail, pause.next_try))
            return
        other = failure.kind == "validation"
        first = next_kind(self._provers, failure.challenge, host.host) if other else ""
        host.entry = host.entry.failed(failure, now, settings, jitter, first)
        await self._holdings.write(self._store.save_entry, host.host, host.entry)
        self._log(Failed(host.host, failure.cause, failure.detail, host.entry.next_try))

    async def _set_pause(self, pause: Entry) -> None:
        """Persist an outage of the CA, but not that it was out of reach: nobody counted those attempts."""
        self._pause = pause
        if self._authority.directory and pause.kind != "unreachable":
            await self._holdings.write(self._store.save_pause, self._authority.directory, pause)

    def _ask_renewals(self, tasks: asyncio.TaskGroup, now: datetime) -> datetime:
        """Ask the CA when it would like its certificates renewed; returns when to ask next."""
        questions = [host for host in self._hosts.values() if host.from_its_ca and not host.busy]
        times = {host.host: host.ask_renewal_at for host in questions}
        due = [host for host in questions if times[host.host] <= now]
        if due and not self._asking and not self._pause.waits(now):
            self._asking = True
            tasks.create_task(self._ask(due))
        return min((time for time in times.values() if time > now), default=now + DAY)

    async def _ask(self, hosts: Sequence[Host]) -> None:
        """Never raises either; a CA that cannot be asked is no trouble, because the lifetime rule holds."""
        try:
            for host in hosts:
                if (held := host.held) and not host.busy:
                    host.renewal = await self._suggestion(held, host.renewal)
                    await self._holdings.write(self._store.save_renewal, host.host, host.renewal)
        except Failure as failure:
            self._ask_later(hosts, failure.retry_after)
        except Exception:
            self._log(Bug(hosts[0].host, traceback.format_exc()))
            self._ask_later(hosts, DAY.total_seconds())
        finally:
            self._asking = False
            self._changed.set()

    def _ask_later(self, hosts: Sequence[Host], wait: float | None) -> None:
        for host in hosts:
            if host.held:
                host.renewal = ari.unanswered(host.held, host.renewal, self._clock(), wait)

    async def _suggestion(self, held: Certificate, known: Renewal) -> Renewal:
        """The CA's answer about one certificate; Failure where it cannot be asked at all."""
        opened = await self._sessions.get()
        from acme_client.reading import certificate_id

        now = self._clock()
        try:
            name = certificate_id(held.chain_pem)
            info = await self._network.call(opened.session.renewal_info, name) if name else None
        except Failure as failure:
            if failure.wide:
                raise
            return ari.unanswered(held, known, now, failure.retry_after)
        if info is None:
            return ari.unanswered(held, known, now, DAY.total_seconds())
        return ari.suggested(held, known, info.document, now, info.retry_after, self._random.random())
