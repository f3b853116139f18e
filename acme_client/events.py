"""Events: what the manager tells whoever writes the log.  Each reads as a sentence."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal, TypeAlias

from acme_client.frozen import frozen

Level = Literal["info", "warning", "error"]


@frozen
class Ordering:
    level: ClassVar[Level] = "info"
    host: str
    directory: str
    resumed: bool = False

    def __str__(self) -> str:
        return f"{'Resuming the order of' if self.resumed else 'Ordering'} a certificate for {self.host}."


@frozen
class Obtained:
    level: ClassVar[Level] = "info"
    host: str
    issuer: str
    not_after: datetime
    renew_at: datetime
    renewed: bool = False

    def __str__(self) -> str:
        return f"{'Renewed' if self.renewed else 'Obtained'} the certificate for {self.host}."


@frozen
class Failed:
    level: ClassVar[Level] = "error"
    host: str
    cause: str
    detail: str
    next_try: datetime | None
    kind: str = ""
    """Whose fault it is (`failure.Kind`)."""

    def __str__(self) -> str:
        return f"No certificate for {self.host}: {self.cause}"


@frozen
class Abandoned:
    level: ClassVar[Level] = "info"
    host: str

    def __str__(self) -> str:
        return f"The order for {self.host} is given up: no router has wanted it for a while."


@frozen
class Refused:
    """A name that no CA was asked for."""

    level: ClassVar[Level] = "warning"
    host: str
    reason: str

    def __str__(self) -> str:
        return f"No CA is asked for {self.host}: {self.reason}"


@frozen
class AuthorityFailed:
    """The CA cannot be asked at all; every host waits."""

    level: ClassVar[Level] = "error"
    directory: str
    cause: str
    detail: str
    next_try: datetime | None

    def __str__(self) -> str:
        return f"The CA at {self.directory} cannot be asked: {self.cause}"


@frozen
class AuthorityBack:
    level: ClassVar[Level] = "info"
    directory: str

    def __str__(self) -> str:
        return f"The CA at {self.directory} issues certificates again."


@frozen
class Remarked:
    """Something that the owner should know, although the order goes on."""

    level: ClassVar[Level] = "warning"
    host: str
    directory: str
    remark: str

    def __str__(self) -> str:
        return f"About the certificate for {self.host}, the CA at {self.directory}: {self.remark}"


@frozen
class Found:
    """What a look before the order has shown, and does not hold it up."""

    level: ClassVar[Level] = "warning"
    host: str
    finding: str

    def __str__(self) -> str:
        return f"The CA may refuse {self.host}: {self.finding}"


@frozen
class Rehearsing:
    level: ClassVar[Level] = "info"
    host: str
    directory: str

    def __str__(self) -> str:
        return f"Trying {self.host} at {self.directory} first, where failures cost nothing."


@frozen
class AccountMade:
    level: ClassVar[Level] = "info"
    account: str
    reason: str = ""

    def __str__(self) -> str:
        return f"Registered the account {self.account}.{' ' + self.reason if self.reason else ''}"


@frozen
class KeyChanged:
    level: ClassVar[Level] = "info"
    account: str

    def __str__(self) -> str:
        return f"The account {self.account} has another key now."


@frozen
class Revoked:
    level: ClassVar[Level] = "warning"
    host: str
    serial: str
    reason: str

    def __str__(self) -> str:
        return f"The certificate {self.serial} for {self.host} is revoked ({self.reason})."


@frozen
class Quarantined:
    level: ClassVar[Level] = "error"
    host: str
    reason: str
    place: str

    def __str__(self) -> str:
        return f"A stored certificate of {self.host} is broken ({self.reason}) and was moved to {self.place}."


@frozen
class RootReplaced:
    """The root that people may have trusted is another one now."""

    level: ClassVar[Level] = "error"
    reason: str
    place: str

    def __str__(self) -> str:
        return (
            f"The root of Tidegate's own authority was {self.reason} and is now at {self.place}."
            " Devices have to trust the new one: tidegate trust"
        )


@frozen
class RightsRepaired:
    level: ClassVar[Level] = "warning"
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"Others could read {len(self.paths)} places with private keys, {self.paths[0]} first; no longer."
        )


@frozen
class StorageUnwritable:
    level: ClassVar[Level] = "error"
    path: str
    reason: str

    def __str__(self) -> str:
        return f"Nothing can be saved in {self.path} ({self.reason}); nothing is ordered until that works."


@frozen
class StorageWritable:
    level: ClassVar[Level] = "info"
    path: str

    def __str__(self) -> str:
        return f"{self.path} can be written again."


@frozen
class NotKept:
    """Nothing is ordered, because it would be lost with the container."""

    level: ClassVar[Level] = "error"
    reason: str

    def __str__(self) -> str:
        return self.reason


@frozen
class ClockWrong:
    level: ClassVar[Level] = "error"
    now: datetime

    def __str__(self) -> str:
        return f"This machine's clock cannot be right ({self.now:%Y-%m-%d %H:%M} UTC); nothing is ordered."


@frozen
class RecordLeft:
    """A TXT record of a proof that is over could not be removed."""

    level: ClassVar[Level] = "warning"
    record: str
    reason: str

    def __str__(self) -> str:
        return f"The TXT record {self.record} is still there after its proof: {self.reason}"


@frozen
class Bug:
    """A fault of Tidegate's own; other hosts go on."""

    level: ClassVar[Level] = "error"
    host: str
    traceback: str

    def __str__(self) -> str:
        return f"Tidegate failed by a fault of its own while it worked on {self.host}."


Event: TypeAlias = (
    Ordering
    | Obtained
    | Failed
    | Abandoned
    | Refused
    | AuthorityFailed
    | AuthorityBack
    | AccountMade
    | Remarked
    | Found
    | Rehearsing
    | KeyChanged
    | Revoked
    | Quarantined
    | RootReplaced
    | RightsRepaired
    | StorageUnwritable
    | StorageWritable
    | NotKept
    | ClockWrong
    | RecordLeft
    | Bug
)
