"""Memory: what was told and when, so that nobody is told the same thing twice a day, restarts included."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tidegate.notify.notices import Notice

QUIET = timedelta(days=1)
ONCE = timedelta(days=20)
"""For how long something that is told once stays told; a certificate of the next time is younger."""
MOST = 2000


@dataclass(slots=True)
class Memory:
    told: dict[str, datetime] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    """Keys of troubles that were told and are not over."""

    def wants(self, notice: Notice, now: datetime) -> bool:
        """Whether to tell it; that all is well only to who heard that it was not."""
        if notice.ends and f"{notice.ends} {notice.about}" not in self.open:
            return False
        last = self.told.get(notice.key)
        return last is None or not timedelta(0) <= now - last < quiet(notice.kind)

    def over(self, notice: Notice) -> None:
        """Whether told or not, this trouble has ended."""
        self.open.discard(f"{notice.ends} {notice.about}")

    def tell(self, notice: Notice, now: datetime) -> None:
        self.told[notice.key] = now
        if notice.ends:
            self.over(notice)
        else:
            self.open.add(notice.key)
        self.told = {key: at for key, at in self.told.items() if now - at < ONCE}
        while len(self.told) > MOST:
            del self.told[min(self.told, key=self.told.__getitem__)]
        self.open &= self.told.keys()

    def without(self, keys: Collection[str]) -> Memory:
        """As if these had not been told."""
        told = {key: at for key, at in self.told.items() if key not in keys}
        return Memory(told, self.open & told.keys())

    def to_json(self) -> dict[str, Any]:
        return {
            "told": {key: at.isoformat() for key, at in self.told.items()},
            "open": sorted(self.open),
        }


def quiet(kind: str) -> timedelta:
    """A number of days left is told once; all else once a day."""
    return ONCE if kind.startswith("left-") and kind != "left-0" else QUIET


def from_json(document: Any) -> Memory:
    """A damaged file is as none: at worst something is told once more."""
    try:
        told = {str(key): datetime.fromisoformat(at) for key, at in document["told"].items()}
        if any(at.tzinfo is None for at in told.values()):
            return Memory()
        return Memory(told, {str(key) for key in document["open"]} & told.keys())
    except (KeyError, TypeError, ValueError, AttributeError):
        return Memory()
