"""Desk: what the running instance does for `tidegate certs`, and how it answers.

Every answer is {"done": ...} or {"refused": ...}, each in words for people; "waits" says for what.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from acme_client.commands import Unknown
from acme_client.failure import Failure
from acme_client.names import read_name
from proxy.schema import closest
from tidegate.certs.rows import Certificates, rows
from tidegate.words import date_text

if TYPE_CHECKING:
    from acme_client.host import HostStatus
    from acme_client.manager import Manager
    from proxy.problem import Problem

Answer = Mapping[str, object]


class Desk:
    def __init__(
        self,
        manager: Manager,
        clock: Callable[[], datetime],
        problems: Callable[[], Sequence[Problem]] = tuple,
    ) -> None:
        """`problems` are those that concern all certificates."""
        self._manager = manager
        self._clock = clock
        self._problems = problems

    async def list(self) -> Certificates:
        left = await self._manager.orders_left()
        made = rows(self._manager.status(), left, self._manager.authorities(), self._clock())
        return replace(made, problems=tuple(self._problems()))

    async def renew(self, query: str) -> Answer:
        return await self._answered(self._renew, query)

    async def revoke(self, query: str) -> Answer:
        return await self._answered(self._revoke, query)

    async def change_keys(self, query: str) -> Answer:
        return await self._answered(self._change_keys, query)

    async def reload(self, query: str) -> Answer:
        """Take over what a command has put into the data directory."""
        hosts = [read_name(each).host for each in parse_qs(query).get("host", ())]
        return {"done": "They are loaded.", "served": await self._manager.reload(hosts)}

    async def _answered(self, act: Callable[[str, str], Awaitable[Answer]], query: str) -> Answer:
        given = parse_qs(query)
        host = read_name((given.get("host") or ("",))[0]).host
        try:
            return {"host": host, **await act(host, (given.get("reason") or ("unspecified",))[0])}
        except Unknown as error:
            return {"refused": f"{error}{self._hint(host)}"}
        except Failure as failure:
            return {"refused": str(failure)}
        except OSError as error:
            return {"refused": f"The storage refuses: {error.strerror or error}."}

    async def _renew(self, host: str, _reason: str) -> Answer:
        self._manager.commands.renew(host)
        known = next(each for each in self._manager.status() if each.host == host)
        until = "; until it is there, the old one is served" if known.state == "active" else ""
        done = f"A new certificate for {host} is asked for at {known.directory}{until}."
        return {"done": done, "waits": self._waits(known)}

    def _waits(self, known: HostStatus) -> str:
        """What the order has to wait for; "" where it begins at once."""
        if obstacle := self._manager.obstacle:
            return f"Not yet, though: {obstacle} It begins when that is over."
        if known.next_try and known.next_try > self._clock():
            when = date_text(known.next_try, to_the_minute=True)
            return f"Not before {when}, though: {known.last_error}"
        return ""

    async def _revoke(self, host: str, reason: str) -> Answer:
        await self._manager.commands.revoke(host, reason)
        return {"done": f"The certificate for {host} is revoked ({reason}); another one is asked for."}

    async def _change_keys(self, _host: str, _reason: str) -> Answer:
        accounts = await self._manager.commands.change_keys()
        if not accounts:
            raise Unknown("No authority is asked, so there is no account.")
        return {"done": f"Another key now has: {', '.join(accounts)}."}

    def _hint(self, host: str) -> str:
        known = [each.host for each in self._manager.status()] if host else []
        meant = None if host in known else closest(host, known)
        return f' Did you mean "{meant}"?' if meant else ""
