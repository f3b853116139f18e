"""Wildcards: certificates held for wildcards that no router names, and the hosts that do with them.

A label goes, its wildcard's certificate is still good; another program's was
taken over.  As long as such a one covers a host, nothing is ordered for the
host.  When it is due it is renewed like a wanted one, if the DNS can be written
to; where that does not come about, the hosts get their own while there is time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from acme_client.ari import fresh
from acme_client.authority import Authorities
from acme_client.certificate import INTERNAL, Certificate
from acme_client.frozen import frozen
from acme_client.host import Host
from acme_client.names import read_name
from acme_client.plan import covers_until, renew_at
from acme_client.retry import DAY


@frozen
class Above:
    """One that is good now; `until` is the moment from which hosts below it need their own."""

    certificate: Certificate
    renewable: bool
    until: datetime


class Wildcards:
    def __init__(self, authorities: Authorities) -> None:
        self.needed: Mapping[str, str] = {}
        """Those that are to be renewed, since hosts do without a certificate of their own beside them; and
        the directory of the CA that each is from."""
        self.wake: datetime | None = None
        """When that changes by itself."""
        self._authorities = authorities
        self._held: dict[str, Certificate] = {}
        self._covering = False

    def unknown(self, hosts: Iterable[Host]) -> set[str]:
        """The wildcards above these hosts of which nothing is held in memory."""
        return {host.name.wildcard for host in hosts} - self._held.keys() - {""}

    def keep(self, wildcard: str, certificate: Certificate | None) -> None:
        if certificate and certificate.directory != INTERNAL:
            self._held[wildcard] = certificate

    def cover(self, hosts: Mapping[str, Host], now: datetime) -> None:
        """Say of each host whether one of these stands above it, and whether it can do without its own."""
        known = self._held.keys() | {name for name in hosts if name.startswith("*.")}
        above = {wildcard: found for wildcard in known if (found := self._above(wildcard, hosts, now))}
        covering: set[str] = set()
        spares: set[str] = set()
        for name, host in hosts.items() if above or self._covering else ():
            host.under, host.spared = None, False
            # With ten thousand hosts nothing more than this is done for most.
            wildcard = "" if name.startswith("*.") else f"*.{name.partition('.')[2]}"
            if found := above.get(wildcard):
                covering.add(wildcard)
                _judge(host, found, now)
                if host.spared:
                    spares.add(wildcard)
        renewed = {wildcard: above[wildcard] for wildcard in spares if above[wildcard].renewable}
        self.needed = {wildcard: each.certificate.directory for wildcard, each in renewed.items()}
        self.wake = min((above[wildcard].until for wildcard in spares), default=now + DAY)
        self._covering = bool(covering)
        # One from after now is not let go of: it is the clock that is wrong, and may be set.
        self._held = {
            name: each for name, each in self._held.items() if name in covering or each.not_before > now
        }

    def _above(self, wildcard: str, hosts: Mapping[str, Host], now: datetime) -> Above | None:
        host = hosts.get(wildcard)
        held = host.held if host and host.held and host.held.directory != INTERNAL else None
        certificate = held or self._held.get(wildcard)
        if certificate is None or not certificate.not_before <= now < certificate.not_after:
            return None
        renewable = self._renewable(wildcard, certificate.directory)
        return Above(certificate, renewable, _end(certificate, host, renewable=renewable))

    def _renewable(self, wildcard: str, directory: str) -> bool:
        """Whether who asks that CA can prove it; others may have a provider that this one has not."""
        asked = tuple(each for each in self._authorities.all if each.directory == directory)
        return bool(asked) and not Authorities(asked).judge(read_name(wildcard)).refusal


def _end(certificate: Certificate, wildcard: Host | None, *, renewable: bool) -> datetime:
    """Until when hosts can do with it; not for long where its CA wants it replaced early, as if revoked."""
    end = covers_until(certificate, renewable=renewable)
    asked = fresh(certificate, wildcard.renewal).chosen if wildcard else None
    early = renew_at(certificate) - (certificate.not_after - certificate.not_before) / 10
    return min(end, asked + DAY) if asked and asked < early else end


def _judge(host: Host, above: Above, now: datetime) -> None:
    if host.has_another or host.directory == INTERNAL:
        return
    own = host.held if host.held and host.need().satisfied else None
    due = own is None or now >= renew_at(own, host.renewal)
    fits = above.certificate.directory in (host.directory, *host.others)
    host.spared = fits and due and now < above.until and not host.forced
    if host.spared or host.held is None or now >= host.held.not_after:
        host.under = above.certificate
