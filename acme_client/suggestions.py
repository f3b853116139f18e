"""Suggestions: asking each CA when it would like its certificates renewed (RFC 9773)."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterable
from random import Random

from acme_client import ari
from acme_client.certificate import Certificate
from acme_client.events import Bug
from acme_client.failure import Failure
from acme_client.holdings import Holdings
from acme_client.host import Host
from acme_client.ledger import Renewal
from acme_client.retry import DAY
from acme_client.sessions import Sessions
from acme_client.workshop import Workshop


class Suggestions:
    def __init__(self, shop: Workshop, holdings: Holdings) -> None:
        self.asking = False
        """Set by whoever starts asking; one at a time."""
        self._sessions, self._store, self._network = shop.sessions, shop.store, shop.network
        self._log, self._clock = shop.log, shop.clock
        self._holdings = holdings
        self._random = Random()  # noqa: S311 - spreads renewals, guards nothing

    async def ask(self, hosts: Collection[Host]) -> None:
        """About each of these.  Never raises: where a CA cannot be asked, the lifetime rule holds."""
        try:
            for directory in {host.held.directory for host in hosts if host.held}:
                of_it = [host for host in hosts if host.held and host.held.directory == directory]
                await self._ask(self._sessions[directory], of_it)
        except Exception:
            self._log(Bug(next(iter(hosts)).host, traceback.format_exc()))
            self._later(hosts, DAY.total_seconds())
        finally:
            self.asking = False

    async def _ask(self, sessions: Sessions, hosts: Collection[Host]) -> None:
        try:
            for host in hosts:
                if (held := host.held) and not host.busy:
                    host.renewal = await self._suggestion(sessions, held, host.renewal)
                    await self._holdings.write(self._store.save_renewal, host.host, host.renewal)
        except Failure as failure:
            self._later(hosts, failure.retry_after)

    def _later(self, hosts: Iterable[Host], wait: float | None) -> None:
        for host in hosts:
            if host.held:
                host.renewal = ari.unanswered(host.held, host.renewal, self._clock(), wait)

    async def _suggestion(self, sessions: Sessions, held: Certificate, known: Renewal) -> Renewal:
        """The CA's answer about one certificate; Failure where it cannot be asked at all."""
        opened = await sessions.get()
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
