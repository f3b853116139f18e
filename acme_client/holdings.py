"""Holdings: the certificates in hand - from the disk, from Tidegate's own CA - and what is served of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ParamSpec

from acme_client.certificate import INTERNAL, Certificate
from acme_client.events import (
    ClockWrong,
    Quarantined,
    RightsRepaired,
    StorageUnwritable,
    StorageWritable,
)
from acme_client.given import Given
from acme_client.host import Host, lapsed
from acme_client.own_ca import OwnCA
from acme_client.plan import clock_is_sane
from acme_client.store import Stored
from acme_client.wildcards import Wildcards
from acme_client.workshop import Workshop

P = ParamSpec("P")

NEUTRAL = "tidegate.invalid"
"""The name in the certificate for clients that name no host, or one that nobody wants."""

MOST_RETIRED = 500
"""Certificates kept in memory for hosts that are gone: labels can ask for any number of names."""

Publish = Callable[[Mapping[str, Certificate], Certificate], None]


class Holdings:
    """Every host that is wanted or worked on, and its certificate."""

    def __init__(self, shop: Workshop, publish: Publish) -> None:
        self.hosts: dict[str, Host] = {}
        self.trouble = ""
        """Why the storage does not take anything at the moment; "" while it does."""
        self._data, self._store, self._disk, self._log = shop.data, shop.store, shop.disk, shop.log
        self._authority = shop.authorities
        self._internal = OwnCA(shop.data, limited=shop.authorities.any)
        self._publish_to = publish
        self._retired: dict[str, Certificate] = {}
        self.wildcards = Wildcards(shop.authorities)
        self.given = Given()
        self._given_now: dict[str, Certificate] = {}
        self._default: Certificate | None = None
        self._default_unsaved = False
        self._published: tuple[dict[str, Certificate], Certificate] | None = None
        self.clock_is_sane = True

    @property
    def obstacle(self) -> str:
        """Why this machine lets nothing be ordered or saved; "" while it does."""
        if not self.clock_is_sane:
            return "This machine's clock cannot be right; nothing is ordered until it is."
        return f"Nothing can be saved in {self._data} ({self.trouble})." if self.trouble else ""

    async def settle(self, now: datetime) -> None:
        """Have something to serve for every host, serve it, and only then write what is new."""
        self.give(now)
        await self._load(now)
        self.wildcards.cover(self.hosts, now)
        await self._stand_in(now)
        self._tell_replaced_roots()
        self._forget(now)
        self.publish()
        if self._check_clock(now):
            await self._save_unsaved()

    def give(self, now: datetime) -> None:
        """The owner's own certificates go before all others, as long as they are good."""
        self._given_now = dict(self.given.good(now))
        for host in self.hosts.values():
            host.given = self.given.find(host.host, now)

    async def repair_rights(self) -> None:
        """Private keys that a copy or an editor left open to others are closed; that is no reason to stop."""
        try:
            if repaired := await self._disk.call(self._store.make_private):
                self._log(RightsRepaired(tuple(map(str, repaired))))
        except OSError as error:
            self.unwritable(error)

    async def write(self, save: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Save something that is also known without the disk."""
        try:
            await self._disk.call(save, *args, **kwargs)
        except OSError as error:
            self.unwritable(error)
        else:
            self.written()

    def unwritable(self, error: OSError) -> None:
        """Say it once, however much cannot be saved."""
        reason = error.strerror or str(error)
        if reason != self.trouble:
            self.trouble = reason
            self._log(StorageUnwritable(str(self._data), reason))

    def written(self) -> None:
        """Something was saved; good news only if nothing waits: small files may fit where others do not."""
        if self.trouble and not any(host.unsaved for host in self.hosts.values()):
            self.trouble = ""
            self._log(StorageWritable(str(self._data)))

    async def _load(self, now: datetime) -> None:
        """Take over what the disk knows of hosts that are newly wanted."""
        new = [host for host in self.hosts.values() if not host.loaded]
        if not new:
            return
        found = await self._disk.call(self._read, [host.host for host in new], now)
        wildcards = self.wildcards.unknown(new) - self.hosts.keys()
        for wildcard, certificate in (await self._disk.call(self._store.look_at_all, wildcards)).items():
            self.wildcards.keep(wildcard, certificate)
        for host in new:
            stored = found[host.host]
            if isinstance(stored, OSError):
                self.unwritable(stored)
            else:
                host.loaded = True
                self.take(host, stored)

    def _read(self, hosts: Sequence[str], now: datetime) -> dict[str, Stored | OSError]:
        """In the storage's thread: what is known, without leaves of a root that is no more."""
        found = self._store.load_all(hosts)
        for host, stored in found.items():
            if isinstance(stored, Stored) and (held := stored.certificate) and held.directory == INTERNAL:
                found[host] = (
                    stored if self._internal.signed(held, now) else replace(stored, certificate=None)
                )
        return found

    def take(self, host: Host, stored: Stored) -> None:
        host.entry = stored.entry.under(self._authority.fingerprint)
        host.renewal = stored.renewal
        for broken in stored.broken:
            self._log(Quarantined(broken.host, broken.reason, broken.place))
        if stored.certificate is None:
            return
        if stored.certificate.directory == INTERNAL != host.directory:
            host.stand_in = stored.certificate
        elif not (host.unsaved and host.held and host.held.not_before > stored.certificate.not_before):
            host.held, host.unsaved = stored.certificate, False

    async def _stand_in(self, now: datetime) -> None:
        """Certify by Tidegate's own CA whatever belongs to it, or has nothing better to show."""
        lacking = [host for host in self.hosts.values() if host.lacks_internal(now)]
        addresses = tuple(sorted(host.host for host in self.hosts.values() if host.name.address)) or (
            NEUTRAL,
        )
        await self._settle_default(addresses, now)
        if not lacking:
            return
        leaves = await self._disk.call(self._sign, [(host.host,) for host in lacking], now)
        for host in lacking:
            if leaf := leaves.get((host.host,)):
                host.take_internal(leaf)
        if self._internal.trouble:
            self.unwritable(self._internal.trouble)

    async def _settle_default(self, names: tuple[str, ...], now: datetime) -> None:
        """The certificate for all others: the one in use, that of the last start, or a new one."""
        if self._default is None:
            self._default = await self._load_default(names, now)
        if self._default is None or self._default.names != names or lapsed(self._default, now):
            leaves = await self._disk.call(self._sign, [names], now)
            self._default = leaves.get(names, self._default)
            self._default_unsaved = names in leaves

    async def _load_default(self, names: tuple[str, ...], now: datetime) -> Certificate | None:
        try:
            stored, broken = await self._disk.call(self._store.load_default, names[0])
        except OSError:
            return None  # it is made anew; what is wrong with the storage is told by what has to be kept
        for each in broken:
            self._log(Quarantined(each.host, each.reason, each.place))
        good = stored is not None and await self._disk.call(self._internal.signed, stored, now)
        return stored if good else None

    def _tell_replaced_roots(self) -> None:
        for replaced in self._internal.take_replaced():
            self._log(replaced)

    def _sign(self, wanted: Sequence[tuple[str, ...]], now: datetime) -> dict[tuple[str, ...], Certificate]:
        """In the storage's thread: a leaf for each; none for a text that fits in no certificate."""
        leaves = {}
        for hosts in wanted:
            try:
                leaves[hosts] = self._internal.leaf(hosts, now)
            except ValueError:
                continue  # it was refused as a name already, and its owner told
        return leaves

    def retire(self, host: Host) -> None:
        """Nobody wants it any more: it is not renewed, but what it has is served while it is good.

        A visitor whose app is being restarted should read that the site is away,
        not that somebody may be impersonating it.
        """
        del self.hosts[host.host]
        if host.host.startswith("*."):
            self.wildcards.keep(host.host, host.held)
        if (shown := self._shown(host)) is not None:
            self._retired[host.host] = shown
        while len(self._retired) > MOST_RETIRED:
            del self._retired[next(iter(self._retired))]

    def publish(self) -> None:
        shown = ((name, self._shown(host)) for name, host in self.hosts.items())
        own = {name: certificate for name, certificate in shown if certificate is not None}
        served = self._retired | own | self._given_now
        default = self._of_the_one_address() or self._default
        if default and (served, default) != self._published:
            self._published = (served, default)
            self._publish_to(served, default)

    def _of_the_one_address(self) -> Certificate | None:
        """What a CA gave for the only address: a client that opens an address names no host (RFC 6066 3)."""
        addresses = [host for host in self.hosts.values() if host.name.address]
        return addresses[0].held if len(addresses) == 1 and addresses[0].from_its_ca else None

    def _shown(self, host: Host) -> Certificate | None:
        """A host under a wildcard shows what it got before, until the wildcard has its own: that may fail."""
        if host.given or not host.covered_by:
            return host.served
        wildcard = self.hosts.get(host.covered_by)
        if (wildcard and wildcard.from_its_ca) or not host.from_its_ca:
            return None
        return host.held

    def _forget(self, now: datetime) -> None:
        """Let go of what has run out, or belongs to a host that is wanted again and has its own."""
        for name, certificate in list(self._retired.items()):
            wanted = self.hosts.get(name)
            if now >= certificate.not_after or (wanted is not None and wanted.served is not None):
                del self._retired[name]

    def _check_clock(self, now: datetime) -> bool:
        sane = clock_is_sane(now, [host.held for host in self.hosts.values()])
        if self.clock_is_sane and not sane:
            self._log(ClockWrong(now))
        self.clock_is_sane = sane
        return sane

    async def _save_unsaved(self) -> None:
        """Write what is served and not on the disk yet; later again where that does not work."""
        if self._default and self._default_unsaved:
            try:
                await self._disk.call(self._store.save_default, self._default)
            except OSError as error:
                self.unwritable(error)
                return
            self._default_unsaved = False
        for host in [host for host in self.hosts.values() if host.unsaved]:
            if host.held is None:
                continue
            try:
                await self._disk.call(self._store.keep, host.host, host.held)
            except OSError as error:
                self.unwritable(error)
                return
            host.unsaved = False
            self.written()
