"""Outages: the record of each CA as a whole, whose hosts wait while it is out of order."""

from __future__ import annotations

from datetime import datetime

from acme_client.events import AuthorityBack, AuthorityFailed
from acme_client.failure import Failure
from acme_client.frozen import frozen
from acme_client.holdings import Holdings
from acme_client.ledger import Entry
from acme_client.workshop import Workshop


@frozen
class AuthorityStatus:
    """One CA, for people.  `next_try` and `last_error` are set while it is not asked."""

    directory: str
    next_try: datetime | None = None
    last_error: str = ""


class Outages:
    def __init__(self, shop: Workshop, holdings: Holdings) -> None:
        self.pauses: dict[str, Entry] = {}
        """By the CA's directory; none where all is well."""
        self._authorities, self._store = shop.authorities, shop.store
        self._disk, self._log = shop.disk, shop.log
        self._holdings = holdings

    async def remember(self) -> None:
        """An outage is waited for after a restart too."""
        for authority in self._authorities.all:
            if authority.directory:
                try:
                    pause = await self._disk.call(self._store.load_pause, authority.directory)
                except OSError as error:
                    self._holdings.unwritable(error)
                else:
                    self.pauses[authority.directory] = pause.under(self._authorities.fingerprint)

    def of(self, directory: str) -> Entry:
        return self.pauses.get(directory, Entry())

    def look_at_the_clock(self, now: datetime) -> None:
        self.pauses = {each: pause.by_clock(now) for each, pause in self.pauses.items()}

    def status(self, now: datetime) -> tuple[AuthorityStatus, ...]:
        directories = [each.directory for each in self._authorities.all if each.directory]
        return tuple(
            AuthorityStatus(each, pause.next_try, pause.text)
            if (pause := self.of(each)).waits(now)
            else AuthorityStatus(each)
            for each in directories
        )

    async def failed(self, directory: str, failure: Failure, now: datetime, jitter: float) -> None:
        if self.of(directory).waits(now):
            return  # an order beside this one has already said so
        pause = self.of(directory).failed(failure, now, self._authorities.fingerprint, jitter)
        await self._set(directory, pause)
        self._log(AuthorityFailed(directory, failure.cause, failure.detail, pause.next_try))

    async def over(self, directory: str) -> None:
        """It has just certified a host."""
        if self.of(directory).failures:
            await self._set(directory, Entry())
            self._log(AuthorityBack(directory))

    async def _set(self, directory: str, pause: Entry) -> None:
        """Persist an outage, but not that the CA was out of reach: nobody counted those attempts."""
        self.pauses[directory] = pause
        if pause.kind != "unreachable":
            await self._holdings.write(self._store.save_pause, directory, pause)
