"""Manager: the loop that keeps every wanted host certified.  The only writer of the storage.

    want -> load -> stand in -> publish -> plan -> lock, look again, test writing -> order -> save -> publish

A host without a certificate is due, and so is one whose certificate is to be
renewed: there is one way for both.  Whatever fails is written into the ledger
before anything else happens, so that starting again does not start over.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING

from acme_client import ari
from acme_client.abandonment import Abandonment
from acme_client.accounts import open_session
from acme_client.aim import aim
from acme_client.attempt import Attempts, Elsewhere, Outcome
from acme_client.authority import Authorities, Authority
from acme_client.certificate import Certificate
from acme_client.challenges.board import Board
from acme_client.challenges.http01 import HTTP01
from acme_client.challenges.neighbours import Neighbours, Shared
from acme_client.challenges.tlsalpn01 import TLSALPN01
from acme_client.challenges.turns import next_kind
from acme_client.commands import Commands
from acme_client.events import (
    Bug,
    Event,
    Failed,
    NotKept,
    Obtained,
)
from acme_client.failure import Failure
from acme_client.given import Given
from acme_client.holdings import Holdings, Publish
from acme_client.host import Host, HostStatus
from acme_client.limits import Left, left
from acme_client.outages import AuthorityStatus, Outages
from acme_client.plan import choose, entry_after, renew_at
from acme_client.preflight import Preflight
from acme_client.resolver import Resolver, Resolvers
from acme_client.retry import DAY
from acme_client.suggestions import Suggestions
from acme_client.wants import Wants
from acme_client.workshop import AT_ONCE, OpenSession, Workshop

if TYPE_CHECKING:
    from acme_client.challenges.dns01 import DNS01

ELSEWHERE = timedelta(seconds=5)
"""Another instance on this storage is ordering: time to look at its result."""

UNWRITABLE = timedelta(minutes=1)

RELOADING = 10.0
"""Seconds for a disk to give what was just written to it."""

NO_NAMES: Mapping[str, str] = MappingProxyType({})
NO_RESOLVERS: Mapping[str, Resolver] = MappingProxyType({})


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - this is the loop that reads the clock


class Manager:
    def __init__(
        self,
        data: Path,
        authority: Authority | Authorities,
        publish: Publish,
        log: Callable[[Event], None],
        *,
        dns01: DNS01 | None = None,
        clock: Callable[[], datetime] = utc_now,
        open_session: OpenSession = open_session,
        challenges: Collection[str] = ("dns-01", "http-01"),
        not_kept: str = "",
        preflight: Preflight | None = None,
        resolvers: Mapping[str, Resolver] = NO_RESOLVERS,
    ) -> None:
        """`publish` gets the certificate of every wanted host, and one for all other names.

        `challenges` are the kinds that may be tried, the first one first.
        `not_kept` says why nothing that is saved here stays, if so: then no CA
        is asked for what it counts.  `preflight` looks before each first order.
        `resolvers` have names, by which `want` says whose a host is; the
        directories of their authorities are told apart (`Authority.of_resolver`).
        """
        self.http01 = HTTP01()
        self.tlsalpn01 = TLSALPN01()
        self._resolvers = Resolvers(Resolver(Authorities.of(authority), challenges, dns01), resolvers)
        self._log, self._clock = log, clock
        self._random = Random()  # noqa: S311 - spreads waits, guards nothing
        self._authorities = self._resolvers.authorities
        self._not_kept = not_kept if self._authorities.count else ""
        shop = Workshop.at(data, self._authorities, log, clock, open_session)
        self._store, self._disk, self._sessions = shop.store, shop.disk, shop.sessions
        self._domains = shop.domains
        here = (self.http01, self.tlsalpn01)
        self._neighbours = Neighbours(Board(data / "certs"), shop.disk, here)
        self._provers = self._resolvers.provers([Shared(each, self._neighbours) for each in here])
        self._preflight = preflight or Preflight(log, enabled=False)
        self._holdings = Holdings(shop, publish)
        self._attempts = Attempts(shop, self._provers, self._preflight)
        self._outages = Outages(shop, self._holdings)
        self._suggestions = Suggestions(shop, self._holdings)
        self._abandonment = Abandonment(self._attempts, self._holdings, log)
        self._hosts = self._holdings.hosts
        self._wants = Wants(self._hosts, self._resolvers, log)
        self._changed = asyncio.Event()
        self._passed = asyncio.Event()
        self.commands = Commands(shop, self._hosts, self._changed.set)

    def want(self, hosts: Collection[str], resolvers: Mapping[str, str] = NO_NAMES) -> None:
        """Say which hosts are wanted from now on; cheap, to be called on every change of the routes.

        `resolvers` names the resolver of each host that has not the usual one;
        for "internal" no authority but Tidegate's own is asked.
        An order under way for a host that is no longer wanted goes on for a minute,
        and to its end where only the signature is missing: a container that
        restarts is back before that.
        """
        self._wants.take(hosts, resolvers)
        self._changed.set()

    def give(self, certificates: Collection[Certificate]) -> None:
        """Serve these of the owner's own from now on; nothing is ordered for the names that they cover."""
        self._holdings.given = Given.of(certificates)
        self._holdings.give(self._clock())
        self._changed.set()

    def status(self) -> tuple[HostStatus, ...]:
        """Every wanted host; one that a wildcard covers fares as that wildcard does."""
        now = self._clock()
        return tuple(
            replace(
                self._status_of(host if host.given else self._hosts[host.covered_by or name], now),
                host=name,
                covered_by=""
                if host.given
                else host.covered_by or (host.name.wildcard if host.spared else ""),
            )
            for name, host in sorted(self._hosts.items())
            if name in self._wants.names or name in self._holdings.wildcards.needed
        )

    def _status_of(self, host: Host, now: datetime) -> HostStatus:
        return host.status(
            self._outages.of(host.directory),
            now,
            self.obstacle,
            tuple(each.text for each in self._preflight.findings.get(host.host, ())),
        )

    @property
    def obstacle(self) -> str:
        """Why this machine lets nothing be ordered at the moment; "" while it does."""
        return self._not_kept or self._holdings.obstacle

    def authorities(self) -> tuple[AuthorityStatus, ...]:
        return self._outages.status(self._clock())

    async def reload(self, hosts: Collection[str]) -> list[str]:
        """Take over what somebody has put into the storage for these; those of them that are served so.

        Returns without the ones that cannot be read, and at once where none is wanted.
        """
        known = [
            host
            for host in self._hosts.values()
            if not host.busy and (host.host in hosts or host.name.wildcard in hosts)
        ]
        for host in known:
            host.loaded = False
        self._changed.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(RELOADING):
                while any(not host.loaded for host in known):
                    await self._passed.wait()
        return [host.host for host in known if host.loaded]

    async def orders_left(self) -> dict[str, Left]:
        """What its CA still gives each wanted host this week, where Tidegate knows the CA's limits."""
        known = {each.directory: each.limits for each in self._authorities.all if each.directory}
        asked = {name: self._hosts[name].directory for name in self._wants.names if name in self._hosts}
        counted = {directory for directory in asked.values() if known.get(directory)}
        issued = {each: await self._disk.call(self._store.load_issued, each) for each in counted}
        named = {name for name, directory in asked.items() if directory in issued}
        named |= {each.host for some in issued.values() for each in some}
        domains = await self._disk.call(self._domains.of, named) if named else {}
        now = self._clock()
        return {
            name: left(name, issued=issued[directory], limits=limits, domains=domains, now=now)
            for name, directory in asked.items()
            if directory in issued and (limits := known[directory])
        }

    async def run(self) -> None:
        """Certify until cancelled.  That is at once: an order under way is gone on with at the next start."""
        try:
            await self._holdings.repair_rights()
            await self._outages.remember()
            if self._not_kept:
                self._log(NotKept(self._not_kept))
            async with asyncio.TaskGroup() as tasks:
                for dns01 in self._resolvers.dns01():
                    tasks.create_task(dns01.run())
                if self._authorities.any:
                    tasks.create_task(self._neighbours.run())
                while True:
                    self._changed.clear()
                    wake = await self._pass(tasks)
                    await self._sleep(wake)
        finally:
            for host in self._hosts.values():
                host.busy = False
            self._suggestions.asking = False

    async def _sleep(self, wake: datetime) -> None:
        seconds = max((wake - self._clock()).total_seconds(), 0.0)
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _pass(self, tasks: asyncio.TaskGroup) -> datetime:
        """Serve what there is, start what is due; returns when to look again."""
        wanted = self._wants.names | self._holdings.wildcards.needed.keys()
        for host in [host for host in self._hosts.values() if host.host not in wanted and not host.busy]:
            self._holdings.retire(host)
            self._preflight.forget(host.host)
        now = self._clock()
        await self._holdings.settle(now)
        if self._wants.add_wildcards(self._holdings.wildcards.needed):
            self._changed.set()
        self._passed.set()
        self._passed = asyncio.Event()
        loaded = [host for host in self._hosts.values() if host.loaded]
        free = AT_ONCE - sum(host.busy for host in loaded)
        self._outages.look_at_the_clock(now)
        for host in loaded:
            host.entry = host.entry.by_clock(now)
            host.directory = aim(host.others, host.entry, self._outages.pauses, now)
        asked = () if self._not_kept else (host for host in loaded if not host.has_another)
        needs = [host.need() for host in asked]
        plan = choose(needs, self._outages.pauses, now, free)
        for name in plan.start:
            self._hosts[name].busy = True
            order = tasks.create_task(self._certify(self._hosts[name]))
            self._abandonment.orders[name] = order
        away = self._abandonment.look(self._hosts.values(), wanted, now)
        wakes = [plan.wake, away, self._ask_renewals(tasks, now), self._holdings.wildcards.wake or plan.wake]
        if self._holdings.trouble:
            wakes.append(now + UNWRITABLE)
        return min(wakes)

    async def _certify(self, host: Host) -> None:
        """One attempt and its record; never raises, because the other hosts' orders are its neighbours."""
        try:
            await self._accept(host, await self._attempts.certify(host.need()))
        except asyncio.CancelledError:
            if not self._abandonment.meant(host):
                raise  # the program stops: the order is gone on with at the next start
            await self._abandonment.give_up(host)
        except Elsewhere:
            host.entry = host.entry.later(self._clock(), ELSEWHERE)
        except Failure as failure:
            await self._record(host, failure)
        except OSError as error:
            self._holdings.unwritable(error)
            host.entry = host.entry.later(self._clock(), UNWRITABLE)
        except Exception:
            self._log(Bug(host.host, traceback.format_exc()))
            await self._record(
                host, Failure("bug", "Tidegate failed by a fault of its own; its log has more.")
            )
        finally:
            host.busy = host.abandoned = False
            self._abandonment.orders.pop(host.host, None)
            self._changed.set()

    async def _accept(self, host: Host, outcome: Outcome) -> None:
        if outcome.stored is not None:
            self._holdings.take(host, outcome.stored)
            self._holdings.publish()
        if (certificate := outcome.certificate) is None:
            return
        renewed, host.forced = host.held is not None, False
        host.held, host.entry = certificate, entry_after(certificate, host.entry, self._clock())
        host.renewal = ari.fresh(certificate, host.renewal)
        host.unsaved = outcome.unsaved is not None
        self._holdings.publish()
        self._preflight.forget(host.host)
        due = renew_at(certificate)
        self._log(Obtained(host.host, certificate.issuer, certificate.not_after, due, renewed))
        if outcome.unsaved:
            self._holdings.unwritable(outcome.unsaved)
        else:
            self._holdings.written()
        await self._outages.over(certificate.directory)

    async def _record(self, host: Host, failure: Failure) -> None:
        now, settings, jitter = self._clock(), self._authorities.fingerprint, self._random.random()
        if failure.wide:
            await self._outages.failed(host.directory, failure, now, jitter)
            return
        other = failure.kind == "validation"
        provers = self._provers.get(host.directory, ())
        first = next_kind(provers, failure.challenge, host.host) if other else ""
        host.forced = False  # it is tried again by the usual rules
        host.entry = host.entry.failed(failure, now, settings, jitter, first, host.directory)
        await self._holdings.write(self._store.save_entry, host.host, host.entry)
        self._log(Failed(host.host, failure.cause, failure.detail, host.entry.next_try, failure.kind))

    def _ask_renewals(self, tasks: asyncio.TaskGroup, now: datetime) -> datetime:
        """Ask the CA when it would like its certificates renewed; returns when to ask next."""
        own = (host for host in self._hosts.values() if not host.has_another)
        questions = [host for host in own if host.from_its_ca and not host.busy]
        times = {host.host: host.ask_renewal_at for host in questions}
        due = [
            host
            for host in questions
            if not now < times[host.host] < now + 2 * DAY  # so far away it is by a clock that was ahead
            and host.held
            and not self._outages.of(host.held.directory).waits(now)
        ]
        if due and self._holdings.clock_is_sane and not self._suggestions.asking:
            self._suggestions.asking = True
            tasks.create_task(self._ask(due))
        return min((time for time in times.values() if time > now), default=now + DAY)

    async def _ask(self, hosts: Collection[Host]) -> None:
        await self._suggestions.ask(hosts)
        self._changed.set()
