"""Turns: who is next where several share by weight.

Earliest deadline first, as in Traefik: each turn lasts 1/weight, and whoever's
next one ends first is chosen, of several the lightest.  Heavy ones come more
often, but never in a row longer than need be.  Who was away is not owed anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

ALIKE: Final = 1e-9
FAR: Final = 1e6
"""Where the clock is set back, so that small differences do not get lost."""


class Turns:
    """Members are known by their places."""

    def __init__(self, count: int) -> None:
        self.clock = 0.0
        self.due = [-1.0] * count

    def take(self, able: Sequence[int], weights: Sequence[float]) -> int:
        """Whose turn it is among `able`, of which there is one at least; its turn is taken."""
        due, clock = self.due, self.clock
        best, least, lightest = -1, 0.0, 0.0
        for place in able:
            weight = weights[place]
            when = due[place]
            if when < clock - ALIKE:
                when = due[place] = clock + 1.0 / weight
            if best < 0 or when < least - ALIKE or (when <= least + ALIKE and weight < lightest):
                best, least, lightest = place, when, weight
        self.clock = least
        due[best] = least + 1.0 / lightest
        if least > FAR:
            self.clock = 0.0
            self.due = [max(when - least, -1.0) for when in due]
        return best
