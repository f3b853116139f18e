"""Event stream: the engine's events on their way from the thread that reads them to the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from discovery.engine import Change, EngineError
from discovery.workers import hand_over

ACTIONS = (
    "start", "restart", "die", "kill", "stop", "pause", "unpause", "health_status",
    "rename", "update", "destroy", "connect", "disconnect",
)  # fmt: skip


@dataclass(slots=True)
class Stream:
    """Events on their way from the thread to the loop."""

    arrived: asyncio.Queue[Change | EngineError] = field(default_factory=asyncio.Queue)

    async def next(self) -> Change:
        change = await self.arrived.get()
        if isinstance(change, EngineError):
            raise change
        return change


def change_of(event: Mapping[str, Any]) -> Change | None:
    """The change that one event of `GET /events` tells, None when it concerns no container."""
    actor = event.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    action = str(event.get("Action", "")).partition(":")[0]
    if event.get("Type") == "network":
        container = str(attributes.get("container", ""))
        return Change(action, container, network=str(attributes.get("name", ""))) if container else None
    container = str(actor.get("ID") or event.get("id") or "")
    return Change(action, container, signal=str(attributes.get("signal", ""))) if container else None


def pump(
    events: Iterable[Mapping[str, Any]],
    loop: asyncio.AbstractEventLoop,
    stream: Stream,
    explained: Callable[[BaseException], EngineError],
) -> None:
    """Move events into the loop until the stream ends, which is then the last thing said."""
    fault = EngineError("The engine ended its event stream.")
    try:
        for event in events:
            change = change_of(event)
            if change and not hand_over(loop, partial(stream.arrived.put_nowait, change)):
                return
    except Exception as error:  # the thread's end is told to the loop, which connects again
        fault = explained(error)
    hand_over(loop, lambda: stream.arrived.put_nowait(fault))
