"""Notices: what of all that happens its owner should hear of, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from acme_client.events import (
    AuthorityBack,
    AuthorityFailed,
    ClockWrong,
    Event,
    Failed,
    NotKept,
    Obtained,
    Quarantined,
    StorageUnwritable,
    StorageWritable,
)
from acme_client.host import HostStatus
from acme_client.remedy import remedy
from proxy.frozen import frozen
from tidegate.notify.message import Message
from tidegate.words import count_text, date_text

DAYS = (14, 7, 3, 1, 0)
"""How many days a certificate may have left, while nothing renews it, before that is told (again)."""
MOST = 20
"""Lines in a message."""


@frozen
class Notice:
    """`kind` and `about` say what it is the same as; `ends` is the kind of trouble that is over by it."""

    kind: str
    about: str
    text: str
    ends: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind} {self.about}"

    @property
    def good(self) -> bool:
        return bool(self.ends)


def of_event(event: Event, directories: Sequence[str] = ()) -> Notice | None:
    """`directories` are the CAs in the order in which they are asked."""
    match event:
        case Failed(host=host, cause=cause, kind=kind, next_try=next_try):
            helps = remedy(kind, host)
            text = f"No new certificate for {host}: {cause} {helps}{again(next_try)}"
            return Notice("failed", host, text)
        case Obtained(host=host, not_after=end):
            return Notice("back", host, f"{host} has a new certificate until {date_text(end)}.", "failed")
        case AuthorityFailed(directory=directory, cause=cause, next_try=next_try):
            after = directories[directories.index(directory) + 1 :] if directory in directories else ()
            instead = f" Meanwhile {after[0]} is asked." if after else ""
            text = f"The authority {directory} cannot be asked: {cause}{again(next_try)}{instead}"
            return Notice("authority", directory, text)
        case AuthorityBack(directory=directory):
            text = f"The authority {directory} issues certificates again."
            return Notice("authority-back", directory, text, "authority")
        case StorageUnwritable(path=path):
            return Notice("storage", path, str(event))
        case StorageWritable(path=path):
            return Notice("storage-back", path, str(event), "storage")
        case Quarantined(host=host):
            return Notice("broken", host, str(event))
        case ClockWrong() | NotKept():
            return Notice(type(event).__name__, "", str(event))
    return None


def again(next_try: datetime | None) -> str:
    return f" Next try: {date_text(next_try, to_the_minute=True)}." if next_try else ""


def of_ages(hosts: Iterable[HostStatus], now: datetime) -> Iterator[Notice]:
    """Certificates that run out and that nothing has renewed when it should have."""
    seen = set()
    for host in hosts:
        if host.not_after is None or host.covered_by or host.serial in seen:
            continue
        left = host.not_after - now
        days = [each for each in DAYS if left <= timedelta(days=each)]
        if days and is_late(host, host.not_after, now):
            seen.add(host.serial)
            yield Notice(f"left-{min(days)}", host.host, age_text(host, left))


def is_late(host: HostStatus, not_after: datetime, now: datetime) -> bool:
    """Whether it should have been renewed by now; short-lived ones have few days left all the time."""
    if host.from_us:
        return False
    if host.renew_at is None:
        return True  # its owner's, or of an authority that is asked no more
    return now > host.renew_at + (not_after - host.renew_at) / 4


def age_text(host: HostStatus, left: timedelta) -> str:
    name = ", ".join(host.names) or host.host
    if left <= timedelta(0):
        what = f"The certificate for {name} has run out."
    else:
        when = date_text(host.not_after, to_the_minute=True)
        what = f"The certificate for {name} runs out on {when}, in {count_text(left.days, 'day')}."
    why = "It is your own: put a new one into its place." if host.state == "own" else host.last_error
    return " ".join(filter(None, (what, why, host.remedy if host.last_error else "")))


def message_of(notices: Sequence[Notice]) -> Message:
    """One message of them all, trouble first."""
    ordered = sorted(notices, key=lambda each: (each.good, each.kind, each.about))
    bad = [each for each in ordered if not each.good]
    lines = [each.text for each in ordered[:MOST]]
    if len(ordered) > MOST:
        lines.append(f"... and {len(ordered) - MOST} more: tidegate certs")
    if not bad:
        title = "Back to normal"
    elif len(bad) == 1:
        what = TITLES.get(bad[0].kind.partition("-")[0], "trouble")
        title = f"{what}: {bad[0].about}" if bad[0].about else what
    else:
        title = f"{len(bad)} things need a look"
    return Message(f"Tidegate: {title}", "\n".join(lines), "bad" if bad else "good")


TITLES = {
    "failed": "no new certificate",
    "left": "a certificate runs out",
    "authority": "an authority is out of order",
    "storage": "nothing can be saved",
    "broken": "a stored certificate is broken",
    "ClockWrong": "the clock is wrong",
    "NotKept": "nothing would be kept",
}
