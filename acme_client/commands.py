"""Commands: what a person may ask for by hand, each done at once or refused with the reason.

await manager.commands.revoke("blog.example.com", "keyCompromise")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from acme_client.accounts import change_key
from acme_client.authority import Authority
from acme_client.certificate import INTERNAL, Certificate
from acme_client.events import KeyChanged, Revoked
from acme_client.failure import Failure
from acme_client.host import Host
from acme_client.sessions import Sessions
from acme_client.workshop import Workshop

REASONS: Mapping[str, int] = {
    "unspecified": 0,
    "keyCompromise": 1,
    "superseded": 4,
    "cessationOfOperation": 5,
}
"""RFC 5280 5.3.1, those that an owner may give."""


class Unknown(LookupError):
    """There is nothing of this name to do it with; the text says so to people."""


class Commands:
    """Raises Unknown, or the Failure of a CA that refuses; OSError where the storage does."""

    def __init__(self, shop: Workshop, hosts: Mapping[str, Host], wake: Callable[[], None]) -> None:
        self._authorities, self._sessions = shop.authorities, shop.sessions
        self._store, self._network = shop.store, shop.network
        self._log, self._clock = shop.log, shop.clock
        self._hosts, self._wake = hosts, wake

    def renew(self, host: str) -> None:
        """Ask for a new certificate now, whatever the old one's age; limits of the CA still count."""
        known = self._host(host)
        if known.given:
            raise Unknown(f"{host} is served with a certificate of your own: renew that where it is from.")
        if known.covered_by:
            raise Unknown(f"{host} is served by the certificate for {known.covered_by}: name that one.")
        if known.name.refusal:
            raise Unknown(f"No CA is asked for {host}: {known.name.refusal}")
        if known.directory == INTERNAL:
            raise Unknown(f"Tidegate's own authority certifies {host}, and renews that by itself.")
        self._force(known)

    async def revoke(self, host: str, reason: str = "unspecified") -> None:
        """Let nobody trust the certificate in use any more (RFC 8555 7.6), and ask for another one."""
        if reason not in REASONS:
            raise Unknown(f"{reason!r} is no reason; there are {', '.join(REASONS)}.")
        known, held = self._host(host), self._held(host)
        from acme_client.reading import leaf_der

        opened = await self._sessions[held.directory].get()
        await self._network.call(opened.session.revoke, leaf_der(held.chain_pem), REASONS[reason])
        self._log(Revoked(host, f"{held.serial:x}", reason))
        self._force(known)

    async def change_keys(self) -> tuple[str, ...]:
        """Give each account another key (RFC 8555 7.3.5); which accounts.

        One that is refused keeps no other from it; what it was refused for is raised then.
        """
        changed, refused = [], []
        for authority in self._authorities.all:
            if authority.directory:
                try:
                    changed.append(await self._change_key(authority, self._sessions[authority.directory]))
                except Failure as failure:
                    refused.append(failure)
        if refused:
            raise refused[0]
        return tuple(changed)

    async def _change_key(self, authority: Authority, sessions: Sessions) -> str:
        opened = await sessions.get()
        failure = None
        try:
            await self._network.call(partial(change_key, self._store, authority, opened, self._clock))
        except Failure as refused:
            failure = refused
            raise
        finally:
            # Whatever became of it, what is done next is signed with the key that the storage has then.
            sessions.drop(opened, failure)
        self._log(KeyChanged(opened.account))
        return opened.account

    def _force(self, host: Host) -> None:
        host.forced = True
        if host.entry.kind != "rate":
            host.entry = replace(host.entry, next_try=None)
        self._wake()

    def _host(self, host: str) -> Host:
        if host not in self._hosts:
            raise Unknown(f"No router asks for {host}.")
        return self._hosts[host]

    def _held(self, host: str) -> Certificate:
        held = self._hosts[host].held
        if held is None or held.directory == INTERNAL or held.directory not in self._sessions:
            raise Unknown(f"No certificate for {host} is held that a CA of the settings has issued.")
        return held
