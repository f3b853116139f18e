"""Sessions: the one session with a CA, opened when first needed and again after trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from acme_client.accounts import UNKNOWN, UNSAID, Opened
from acme_client.events import AccountMade, Event
from acme_client.failure import Failure
from acme_client.worker import Worker


class Sessions:
    """The one session with the CA, opened when first needed and again after trouble."""

    def __init__(
        self, open_session: Callable[[str], Opened], network: Worker, log: Callable[[Event], None]
    ) -> None:
        self._open = open_session
        self._network = network
        self._log = log
        self._opened: Opened | None = None
        self._lost = ""
        self._opening = asyncio.Lock()

    async def get(self) -> Opened:
        async with self._opening:
            if self._opened is None:
                self._opened = await self._network.call(self._open, self._lost)
                self._lost = ""
                if self._opened.made is not None:
                    self._log(AccountMade(self._opened.account, self._opened.made))
            return self._opened

    def drop(self, opened: Opened, failure: Failure | None = None) -> None:
        """Forget a session that failed: the directory, and perhaps the account, are to be asked for anew."""
        if self._opened is opened:
            self._opened = None
            self._lost = _why_lost(failure) if failure else ""


def _why_lost(failure: Failure) -> str:
    """The problem that may be the account's; an older Caddy gives none for one that it does not know."""
    if failure.problem in UNKNOWN:
        return failure.problem
    return UNSAID if failure.status == 500 and not failure.problem else ""
