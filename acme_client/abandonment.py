"""Abandonment: the order of a host that stays away is given up, and what it has pending at the CA."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable
from datetime import datetime, timedelta

from acme_client.attempt import Attempts
from acme_client.events import Abandoned, Event, Remarked
from acme_client.failure import Failure
from acme_client.holdings import Holdings
from acme_client.host import Host
from acme_client.retry import DAY

ABANDON = timedelta(minutes=1)
"""How long a host is unwanted before its order is given up: a restarting container is back before."""


class Abandonment:
    def __init__(self, attempts: Attempts, holdings: Holdings, log: Callable[[Event], None]) -> None:
        self.orders: dict[str, asyncio.Task[None]] = {}
        """By host, those under way."""
        self._attempts = attempts
        self._holdings = holdings
        self._log = log

    def look(self, hosts: Iterable[Host], wanted: Container[str], now: datetime) -> datetime:
        """Stop the orders that nobody has wanted for a while; returns when to look again."""
        wake = now + DAY
        for host in hosts:
            if host.host in wanted or not host.busy:
                host.unwanted_since = None
                continue
            host.unwanted_since = host.unwanted_since or now
            over = host.unwanted_since + ABANDON
            if now < over:
                wake = min(wake, over)
            elif not host.abandoned and host.host not in self._attempts.signing:
                host.abandoned = True
                self.orders[host.host].cancel()
        return wake

    def meant(self, host: Host) -> bool:
        """Whether the cancellation of this task was ours; of a stopping program nothing is given up."""
        task = asyncio.current_task()
        return host.abandoned and task is not None and not task.uncancel()

    async def give_up(self, host: Host) -> None:
        """What is left at the CA of an order that was stopped."""
        self._log(Abandoned(host.host))
        try:
            await self._attempts.abandon(host.need())
        except Failure as failure:
            self._log(Remarked(host.host, host.directory, f"An order could not be given up: {failure.cause}"))
        except OSError as error:
            self._holdings.unwritable(error)
