"""Engine: what watching needs of a container engine, in values."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from discovery.container import Container, Listed
from discovery.networks import Own
from proxy.frozen import frozen


class EngineError(Exception):
    """The engine cannot be asked; the text says why, and what to do about it."""


class Unreadable(EngineError):
    """The engine answers, but fails when it is asked about this one container; the text is what it said."""


@frozen
class EngineState:
    """Whether the engine answers; `what` is a sentence for people."""

    up: bool
    what: str


@frozen
class Change:
    """Something happened to a container; what is true now has to be read from the engine."""

    action: str
    container: str
    network: str = ""
    signal: str = ""


class Changes(Protocol):
    """An open event stream."""

    async def next(self) -> Change:
        """The next change; raises EngineError when the stream has ended."""


class AnyEngine(Protocol):
    async def connect(self) -> str:
        """Find out how to talk; a sentence about who answered."""

    async def answers(self) -> bool:
        """Whether somebody accepts connections there; cheap."""

    def changes(self) -> AbstractAsyncContextManager[Changes]:
        """Subscribe; entered means that the engine has the subscription."""

    async def list_containers(self) -> tuple[Listed, ...]:
        """All running containers, in one call."""

    async def inspect(self, container: str) -> Container | None:
        """All about one container, None when there is none; raises Unreadable where only this one fails."""

    async def own(self, listed: Mapping[str, Listed]) -> Own:
        """Where the proxy stands among the containers."""
