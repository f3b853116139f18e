"""Surroundings: what a middleware may use of the world; it has no clock, thread or socket itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from proxy.exchange import Request, Response, UpstreamError
from proxy.origin import Origin

T = TypeVar("T")


class Unusable(UpstreamError):
    """A middleware cannot do its work: nobody gets past it."""

    status = 503


class Surroundings(Protocol):
    def now(self) -> float:
        """Seconds on a clock that only goes forward."""

    async def pause(self, seconds: float) -> None: ...

    async def aside(self, work: Callable[[], T]) -> T:
        """The outcome of something slow, while the loop goes on; `Unusable` where too much of it waits."""

    async def fetch(self, origin: Origin, request: Request) -> Response:
        """The answer of a server that belongs to no service; raises UpstreamError."""

    def is_up(self, service: str) -> bool:
        """Whether the service has a server that may be asked."""

    async def ask(self, service: str, request: Request) -> Response:
        """The answer of a service; raises UpstreamError."""
