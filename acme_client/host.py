"""Host: what the manager knows of one wanted name at this moment, and how a person is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from acme_client.ari import fresh
from acme_client.certificate import INTERNAL, Certificate
from acme_client.frozen import frozen
from acme_client.ledger import Entry, Renewal
from acme_client.names import Name
from acme_client.plan import BUILT, Need, renew_at, renew_reason
from acme_client.remedy import remedy

State = Literal["active", "waiting", "failed", "internal", "own"]


@frozen
class HostStatus:
    """One wanted host, for people.

    active: its CA's certificate is served.  waiting: none yet, an order is
    under way or queued.  failed: none, and the last attempt came to nothing or
    no CA may be asked.  internal: Tidegate's own CA certifies it for good.  own:
    its owner has given one.
    `issuer`, `not_after` and `serial` (in hexadecimal) are those of the certificate
    that is served; `directory` is the CA to be asked next, or "internal".
    """

    host: str
    state: State
    issuer: str = ""
    not_after: datetime | None = None
    renew_at: datetime | None = None
    next_try: datetime | None = None
    last_error: str = ""
    directory: str = ""
    serial: str = ""
    failures: int = 0
    findings: tuple[str, ...] = ()
    """What a look before the order has shown, which the CA may see as well."""
    names: tuple[str, ...] = ()
    """Those in the certificate that is served."""
    not_before: datetime | None = None
    renew_reason: str = ""
    """Why it is to be renewed when it is."""
    remedy: str = ""
    """What its owner can do about the last error."""
    covered_by: str = ""
    """The wildcard that it is served by."""
    from_us: bool = False
    """Whether Tidegate's own authority has signed what is served; it renews that by itself."""
    resolver: str = ""
    """The one that its routers name; "" for the usual one."""


def lapsed(certificate: Certificate | None, now: datetime) -> bool:
    """Whether a certificate of Tidegate's own is to be replaced; one dated by a wrong clock is."""
    return certificate is None or now >= renew_at(certificate) or now < certificate.not_before


@dataclass(slots=True)
class Host:
    """The manager's record; only the manager changes it.

    `directory` is the CA to be asked, `others` those whose certificates are as
    good.  `held` is the certificate from one of them, or from the CA before;
    `stand_in` is Tidegate's own, served while nothing is held.  `unsaved` is a
    certificate that is served and could not be written yet.  `covered_by` is
    the wanted wildcard that this host needs no certificate of its own beside.
    `given` is the owner's own certificate, beside which nothing else counts.
    `under` is what is held for a wildcard above it that nobody names, while that
    is to be shown; it is `spared` an order while that is good for long enough.
    `resolver` is the one that was named for it.
    `unwanted_since` counts while it is busy and nobody wants it; then it is `abandoned`.
    """

    name: Name
    directory: str
    wanted: int
    held: Certificate | None = None
    stand_in: Certificate | None = None
    entry: Entry = field(default_factory=Entry)
    renewal: Renewal = field(default_factory=Renewal)
    loaded: bool = False
    busy: bool = False
    unsaved: bool = False
    covered_by: str = ""
    others: tuple[str, ...] = ()
    forced: bool = False
    given: Certificate | None = None
    under: Certificate | None = None
    spared: bool = False
    unwanted_since: datetime | None = None
    abandoned: bool = False
    resolver: str = ""

    @property
    def host(self) -> str:
        return self.name.host

    @property
    def has_another(self) -> bool:
        """Whether it needs no certificate of its own."""
        return bool(self.covered_by or self.given or self.spared)

    @property
    def served(self) -> Certificate | None:
        return self.given or self.under or self.held or self.stand_in

    @property
    def from_its_ca(self) -> bool:
        """Whether the certificate that is held came from a CA that this host belongs to."""
        return self.directory != INTERNAL and self.need().satisfied

    def lacks_internal(self, now: datetime) -> bool:
        """Whether Tidegate's own CA has something to do: sign for good, or stand in."""
        if self.has_another:
            return False
        if self.directory == INTERNAL:
            mine = self.held if self.held and self.held.directory == INTERNAL else None
            return lapsed(mine, now)
        return self.held is None and lapsed(self.stand_in, now)

    def take_internal(self, leaf: Certificate) -> None:
        if self.directory == INTERNAL:
            self.held, self.unsaved = leaf, not self.name.refusal
        else:
            self.stand_in = leaf

    @property
    def ask_renewal_at(self) -> datetime:
        """When to ask the CA (next) about renewing; a certificate not asked about yet is due."""
        known = fresh(self.held, self.renewal) if self.held else self.renewal
        return known.ask_again or BUILT

    def need(self) -> Need:
        return Need(
            self.host,
            self.directory,
            self.held,
            self.entry,
            self.renewal,
            self.wanted,
            self.busy,
            self.others,
            self.forced,
        )

    def status(
        self, authority: Entry, now: datetime, obstacle: str = "", findings: tuple[str, ...] = ()
    ) -> HostStatus:
        """What is told to people.

        `authority` is the record of the CA as a whole; `obstacle` says why
        this machine lets nothing be ordered or saved.
        """
        if self.given:
            return self._status_of_given(self.given)
        served = self.served
        planned = served and (self.from_its_ca or self.spared or served.directory == self.directory)
        paused = self.directory != INTERNAL and authority.waits(now)
        entry = Entry() if self.spared else self.entry
        next_try = max(
            filter(None, (entry.next_try_at(self.directory), authority.next_try if paused else None)),
            default=None,
        )
        return HostStatus(
            host=self.host,
            state=self._state(),
            issuer=served.issuer if served else "",
            not_after=served.not_after if served else None,
            renew_at=renew_at(served, self.renewal) if served and planned else None,
            next_try=next_try if self.directory != INTERNAL else None,
            last_error=self.name.refusal
            or (obstacle if self.unsaved or self._state() in ("waiting", "failed") else "")
            or entry.text
            or (authority.text if paused else ""),
            directory=self.directory,
            serial=f"{served.serial:x}" if served else "",
            failures=entry.failures,
            findings=() if self.from_its_ca or self.spared else findings,
            names=served.names if served else (),
            not_before=served.not_before if served else None,
            renew_reason=renew_reason(served, self.renewal) if served and planned else "",
            from_us=served is not None and served.directory == INTERNAL,
            remedy=self._remedy(entry, authority if paused else Entry(), obstacle),
            resolver=self.resolver,
        )

    def _status_of_given(self, given: Certificate) -> HostStatus:
        return HostStatus(
            self.host,
            "own",
            given.issuer,
            given.not_after,
            directory=given.directory,
            serial=f"{given.serial:x}",
            names=given.names,
            not_before=given.not_before,
        )

    def _remedy(self, entry: Entry, authority: Entry, obstacle: str) -> str:
        """What helps against the last error; a refusal and an obstacle say it themselves."""
        if self.name.refusal or (obstacle and (self.unsaved or self._state() in ("waiting", "failed"))):
            return ""
        return remedy(entry.kind or authority.kind, self.host)

    def _state(self) -> State:
        if self.name.refusal:
            return "failed"
        if self.directory == INTERNAL:
            return "internal"
        if self.from_its_ca or self.spared:
            return "active"
        return "failed" if self.entry.failures else "waiting"
