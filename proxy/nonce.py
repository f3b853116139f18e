"""Nonce: what digest sign-in makes answers out of, given out without being remembered (RFC 7616 5.4).

Only one that was answered rightly is remembered, so that nobody fills our
memory by asking, and nobody uses an overheard answer again.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

LIFETIME = 300.0
MOST_USED = 4096
LATE = 128
"""How far behind the highest count an answer may come: connections of one browser overtake each other."""


@dataclass(slots=True)
class Nonces:
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _used: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict, repr=False)

    def new(self, now: float) -> str:
        told = f"{int(now * 1000):x}.{secrets.token_hex(8)}"
        return f"{told}.{self._mark(told)}"

    def is_fresh(self, nonce: str, now: float) -> bool:
        """Whether it is one of ours, and not old."""
        told, _, mark = nonce.rpartition(".")
        if not nonce.isascii() or not hmac.compare_digest(mark, self._mark(told)):
            return False
        return now - int(told.partition(".")[0], 16) / 1000 <= LIFETIME

    def use(self, nonce: str, count: int) -> bool:
        """Whether this count of it has not been used before."""
        highest, seen = self._used.pop(nonce, (0, 0))
        behind = highest - count
        new = behind < 0 or (behind < LATE and not seen >> behind & 1)
        if behind < 0:
            highest, seen = count, seen << min(-behind, LATE) | 1
        elif new:
            seen |= 1 << behind
        self._used[nonce] = highest, seen & (1 << LATE) - 1
        if len(self._used) > MOST_USED:
            self._used.popitem(last=False)
        return new

    def _mark(self, told: str) -> str:
        return hmac.digest(self._key, told.encode(), "sha256").hex()[:32]
