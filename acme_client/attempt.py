"""Attempt: one host's way from due to saved, with everything that must be true before a CA is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field, replace

from acme_client.accounts import UNKNOWN
from acme_client.certificate import Certificate
from acme_client.challenges.proof import Prover
from acme_client.challenges.turns import begin_with
from acme_client.events import Ordering, Rehearsing, Remarked
from acme_client.failure import Failure
from acme_client.frozen import frozen
from acme_client.limits import Issued, refuse, refuse_order
from acme_client.names import read_name
from acme_client.plan import Need, due_at, entry_after
from acme_client.preflight import Preflight
from acme_client.store import OpenOrder, Stored
from acme_client.workshop import Workshop

KEPT_OPEN = ("authority", "unreachable", "rate", "dns")
"""Failures after which the order still stands at the CA and is gone on with."""


class Elsewhere(Exception):
    """Another instance on this storage is ordering for this host."""


@frozen
class Outcome:
    """A new certificate, or in `stored` what another instance had done meanwhile.

    `unsaved` says why the new one is not on the disk.
    """

    certificate: Certificate | None = None
    stored: Stored | None = None
    unsaved: OSError | None = None


@frozen
class Attempts:
    shop: Workshop
    provers: Mapping[str, Sequence[Prover]]
    """By the CA's directory."""
    preflight: Preflight
    signing: set[str] = field(default_factory=set)
    """Hosts whose orders are carried to their end, whoever wants it: only the signature is missing."""

    async def certify(self, need: Need) -> Outcome:
        """A new certificate for this host, or what another instance found out while we were waiting.

        Raises Failure, Elsewhere, or OSError where nothing could be saved: a
        certificate that is lost with the next restart is worse than none,
        because the CA counts it.
        """
        lock = await self.shop.disk.call(self.shop.store.lock, need.host)
        if lock is None:
            raise Elsewhere
        with lock:
            stored = await self.shop.disk.call(self.shop.store.load, need.host)
            if self._settled(need, stored):
                return Outcome(stored=stored)
            await self.shop.disk.call(self.shop.store.test_writing, need.host)
            try:
                certificate = await self._order(need, stored)
            finally:
                self.signing.discard(need.host)
            try:
                entry = entry_after(certificate, need.entry, self.shop.clock())
                await self.shop.disk.call(self.shop.store.keep, need.host, certificate, entry)
                await self._count(need)
            except OSError as error:
                return Outcome(certificate, unsaved=error)
            return Outcome(certificate)

    async def abandon(self, need: Need) -> None:
        """Give up the open order of a host that nobody wants any more, and what it has pending at the CA.

        Raises Failure where the CA does not answer; then the order is left to its own end there.
        """
        lock = await self.shop.disk.call(self.shop.store.lock, need.host)
        if lock is None:
            return
        with lock:
            opened = (await self.shop.disk.call(self.shop.store.load, need.host)).order
            if opened is None or opened.directory not in self.shop.sessions:
                return
            await self.shop.disk.call(self.shop.store.end_order, need.host)
            session = (await self.shop.sessions[opened.directory].get()).session
            order = await self.shop.network.call(session.order, opened.url)
            for url in order.authorizations if order.status == "pending" else ():
                authorization = await self.shop.network.call(session.authorization, url)
                if authorization.status == "pending":
                    await self.shop.network.call(session.deactivate, url)

    def _settled(self, need: Need, stored: Stored) -> bool:
        """Whether the disk knows of something newer than we do, after which this host is no longer due."""
        entry = stored.entry.under(self.shop.authorities.fingerprint).by_clock(self.shop.clock())
        if need.forced and entry.kind != "rate":
            entry = replace(entry, next_try=None)
        look = replace(need, held=stored.certificate, entry=entry, renewal=stored.renewal, busy=False)
        return due_at(look) > self.shop.clock()

    async def _order(self, need: Need, stored: Stored) -> Certificate:
        opened = _open_order(stored)
        if opened is None or opened.directory != need.directory:
            await self._stop_at_limits(need)
            await self._look_first(need)
            await self._rehearse(need)
        self.shop.log(Ordering(need.host, need.directory, resumed=opened is not None))
        try:
            return await self._ask(need, opened)
        except Failure as failure:
            if failure.problem not in UNKNOWN:
                raise
        return await self._ask(need, None)  # with the account made anew

    async def _ask(self, need: Need, opened: OpenOrder | None) -> Certificate:
        async def journal(order: OpenOrder) -> None:
            await self.shop.disk.call(self.shop.store.save_order, need.host, order)
            if self.shop.authorities.by_directory(need.directory).limits and not _replaces(need):
                await self.shop.disk.call(self.shop.store.add_order, need.directory, self.shop.clock())

        try:
            return await self._obtain(need, need.directory, journal, opened, _replaces(need))
        except Failure as failure:
            if failure.kind not in KEPT_OPEN:
                await self.shop.disk.call(self.shop.store.end_order, need.host)
            raise

    async def _obtain(
        self,
        need: Need,
        directory: str,
        journal: Callable[[OpenOrder], Awaitable[None]],
        opened: OpenOrder | None = None,
        replaces: str = "",
    ) -> Certificate:
        sessions = self.shop.sessions[directory]
        session = await sessions.get()
        from acme_client.order import Issuance  # only who orders pays for it

        issuance = Issuance(
            host=need.host,
            directory=directory,
            account=session.account,
            session=session.session,
            call=self.shop.network.call,
            provers=begin_with(self.provers[directory], need.entry.first),
            journal=journal,
            profile=self.shop.authorities.by_directory(need.directory).profile_for(read_name(need.host)),
            proven=lambda: self.signing.add(need.host),
            warn=lambda remark: self.shop.log(Remarked(need.host, directory, remark)),
        )
        try:
            return await issuance.obtain(opened, replaces)
        except Failure as failure:
            if failure.wide or failure.problem in UNKNOWN:
                sessions.drop(session, failure)
            raise

    async def _stop_at_limits(self, need: Need) -> None:
        """Raise what the CA would say, where it is known already.  A replacement is outside all limits."""
        limits = self.shop.authorities.by_directory(need.directory).limits
        if limits and not _replaces(need):
            issued = await self.shop.disk.call(self.shop.store.load_issued, need.directory)
            new = need.held is None
            orders = await self.shop.disk.call(self.shop.store.load_orders, need.directory)
            if refusal := refuse_order(orders, limits, self.shop.clock()):
                raise refusal
            named = {need.host, *(each.host for each in issued)}
            domains = await self.shop.disk.call(self.shop.domains.of, named)
            now = self.shop.clock()
            if refusal := refuse(need.host, new=new, issued=issued, limits=limits, domains=domains, now=now):
                raise refusal

    async def _look_first(self, need: Need) -> None:
        if self.preflight.applies(need, self.shop.authorities.by_directory(need.directory)):
            opened = await self.shop.sessions[need.directory].get()
            provers = begin_with(self.provers[need.directory], need.entry.first)
            if possible := [prover for prover in provers if not prover.obstacle(need.host)]:
                await self.preflight.check(need, possible[0], opened.session.caa_identities)

    async def _count(self, need: Need) -> None:
        if self.shop.authorities.by_directory(need.directory).limits and not _replaces(need):
            one = Issued(self.shop.clock(), need.host, new=need.held is None)
            await self.shop.disk.call(self.shop.store.add_issued, need.directory, one)

    async def _rehearse(self, need: Need) -> None:
        """Raise Failure where a host that has failed would fail again.

        What only says that the rehearsal's CA has troubles of its own stops nobody.
        """
        rehearsal = self.shop.authorities.by_directory(need.directory).rehearsal
        if rehearsal is None or not rehearsal.directory or need.entry.kind != "validation":
            return

        async def forget(order: OpenOrder) -> None:
            return None

        self.shop.log(Rehearsing(need.host, rehearsal.directory))
        try:
            await self._obtain(need, rehearsal.directory, forget)
        except Failure as failure:
            if failure.kind == "validation":
                raise


def _open_order(stored: Stored) -> OpenOrder | None:
    """The order to go on with; one whose certificate is held already was left behind by a crash."""
    held, order = stored.certificate, stored.order
    return None if order and held and order.key_pem.encode() == held.key_pem else order


def _replaces(need: Need) -> str:
    """The certificate that the new one replaces (RFC 9773 5); not after a failure."""
    if need.held is None or need.held.directory != need.directory:
        return ""
    from acme_client.reading import certificate_id

    return certificate_id(need.held.chain_pem) if need.renewal.start and not need.entry.failures else ""
