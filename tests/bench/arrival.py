"""Arrival: from a container's start to its first answer through the proxy, on a real engine."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.plan import Plan
from tests.bench.row import Row


def arrival(plan: Plan) -> Iterator[Row]:
    return iter(())
