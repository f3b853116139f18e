"""Rolling window: how the answers of the last ten seconds were."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

SECONDS = 10
MOST_LATENCIES = 500
"""Latencies kept of one second; with more answers the rest is not measured."""


@dataclass(slots=True)
class _Second:
    number: int
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)


@dataclass(slots=True)
class RollingWindow:
    _seconds: deque[_Second] = field(default_factory=deque)

    def add(self, now: float, status: int, latency: float) -> None:
        if not self._seconds or self._seconds[-1].number != int(now):
            self._seconds.append(_Second(int(now)))
        while self._seconds[0].number <= int(now) - SECONDS:
            self._seconds.popleft()
        second = self._seconds[-1]
        second.statuses[status] += 1
        if len(second.latencies) < MOST_LATENCIES:
            second.latencies.append(latency)

    def clear(self) -> None:
        self._seconds.clear()

    @property
    def total(self) -> int:
        return sum(second.statuses.total() for second in self._seconds)

    def number(self, first: float, end: float) -> int:
        """Answers with a status from `first` on, below `end`."""
        return sum(
            number
            for second in self._seconds
            for status, number in second.statuses.items()
            if first <= status < end
        )

    def ratio(self, first: float, end: float, base_first: float, base_end: float) -> float:
        base = self.number(base_first, base_end)
        return self.number(first, end) / base if base else 0.0

    def network_error_ratio(self) -> float:
        errors = self.number(502, 503) + self.number(504, 505)
        return errors / self.total if self.total else 0.0

    def latency(self, quantile: float) -> float:
        """Milliseconds that so many percent of the answers did not exceed."""
        measured = sorted(latency for second in self._seconds for latency in second.latencies)
        if not measured:
            return 0.0
        return measured[min(int(len(measured) * quantile / 100), len(measured) - 1)] * 1000
