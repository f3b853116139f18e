"""Notifier: gathers what happened within some seconds, and sends it as one message; holds up nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import structlog

from acme_client.disk import json_bytes, make_folder, read_json, replace_file
from acme_client.events import Event
from acme_client.host import HostStatus
from acme_client.worker import Worker
from proxy.frozen import frozen
from tidegate.notify.memory import Memory, from_json
from tidegate.notify.message import Message, NotSent
from tidegate.notify.notices import Notice, message_of, of_ages, of_event
from tidegate.notify.sending import send
from tidegate.notify.targets import Target

FILE = "notified.json"
GATHER = 10.0
"""Seconds from the first notice to the message: hosts rarely fail alone."""
PAUSE = 300.0
"""Seconds between messages."""
FIRST_AGES = 60.0
"""Seconds until the ages of certificates are looked at for the first time: they have to be loaded."""
AGES_EVERY = 3600.0
AGAIN = (60.0, 600.0, 3600.0)
"""Seconds until a message that a target did not take is sent again."""
MOST_WAITING = 20
"""Messages that a target has not taken; of more, the oldest is given up."""

log = structlog.get_logger("tidegate.notify")


@frozen
class Unsent:
    target: Target
    message: Message
    keys: tuple[str, ...]
    """Of the notices in the message."""
    due: float
    failures: int


class Notifier:
    def __init__(
        self,
        targets: Sequence[Target],
        data: Path,
        hosts: Callable[[], Iterable[HostStatus]],
        clock: Callable[[], datetime],
        *,
        directories: Sequence[str] = (),
        gather: float = GATHER,
        pause: float = PAUSE,
        carry: Callable[[Target, Message], None] = send,
    ) -> None:
        self._targets = targets
        self._data = data
        self._hosts = hosts
        self._clock = clock
        self._directories = directories
        self._gather = gather
        self._pause = pause
        self._carry = carry
        self._memory = Memory()
        self._waiting: dict[str, Notice] = {}
        self._unsent: list[Unsent] = []
        self._untold: set[str] = set()
        """Keys of notices that no target has taken yet: after a restart they are told again."""
        self._heard = asyncio.Event()
        self._worker = Worker("notify", 1)
        self._disk = Worker("notify-disk", 1)

    def hear(self, event: Event) -> None:
        """Cheap, and never raises: whoever tells has other things to do."""
        if notice := of_event(event, self._directories):
            self._take(notice)

    def _take(self, notice: Notice) -> None:
        if notice.ends and f"{notice.ends} {notice.about}" in self._waiting:
            del self._waiting[f"{notice.ends} {notice.about}"]
            return  # it was over before anybody was told
        self._waiting[notice.key] = notice
        self._heard.set()

    async def run(self) -> NoReturn:
        self._memory = await self._remembered()
        wait = FIRST_AGES
        while True:
            for notice in of_ages(self._hosts(), self._clock()):
                if self._memory.wants(notice, self._clock()):
                    self._take(notice)
            await self._wait(wait)
            wait = AGES_EVERY
            if self._heard.is_set():
                await asyncio.sleep(self._gather)
                self._heard.clear()
                if await self._tell():
                    await asyncio.sleep(self._pause)
            await self._send_again()

    async def _wait(self, most: float) -> None:
        due = min((each.due for each in self._unsent), default=None)
        if due is not None:
            most = min(most, max(due - asyncio.get_running_loop().time(), 0.0))
        try:
            async with asyncio.timeout(most):
                await self._heard.wait()
        except TimeoutError:
            return

    async def _tell(self) -> bool:
        """Send what is worth it; whether anything was."""
        waiting, self._waiting, now = list(self._waiting.values()), {}, self._clock()
        wanted = [each for each in waiting if self._memory.wants(each, now)]
        for each in waiting:
            if each.ends:
                self._memory.over(each)
        if not wanted:
            return False
        for each in wanted:
            self._memory.tell(each, now)
        message, keys = message_of(wanted), tuple(each.key for each in wanted)
        self._untold.update(keys)
        for target in self._targets:
            await self._deliver(target, message, keys, 0)
        self._forget_lost()
        return True

    def _forget_lost(self) -> None:
        """What was given up everywhere has been told to nobody, and is told when it is heard of again."""
        lost = self._untold - {key for each in self._unsent for key in each.keys}
        self._untold -= lost
        self._memory = self._memory.without(lost)

    async def _deliver(self, target: Target, message: Message, keys: tuple[str, ...], failures: int) -> None:
        try:
            await self._worker.call(self._carry, target, message)
        except NotSent as error:
            reason = str(error)
        except Exception as error:
            reason = type(error).__name__  # its text may hold the address
        else:
            log.info("notified", target=target.shown, said=f"told {target.shown}: {message.title}")
            self._untold.difference_update(keys)
            await self._remember()
            return
        if failures >= len(AGAIN):
            log.warning("notification given up", target=target.shown, reason=reason)
            return
        if failures == 0:
            said = f"{target.shown} could not be told, and is tried again: {reason}"
            log.warning("not notified", target=target.shown, reason=reason, said=said)
        due = asyncio.get_running_loop().time() + AGAIN[failures]
        self._unsent = [*self._unsent, Unsent(target, message, keys, due, failures + 1)][-MOST_WAITING:]

    async def _send_again(self) -> None:
        now = asyncio.get_running_loop().time()
        due = [each for each in self._unsent if each.due <= now]
        self._unsent = [each for each in self._unsent if each.due > now]
        for each in due:
            await self._deliver(each.target, each.message, each.keys, each.failures)
        self._forget_lost()

    async def _remembered(self) -> Memory:
        try:
            return from_json(await self._disk.call(read_json, self._data / FILE))
        except OSError:
            return Memory()  # what is wrong with the storage is told by who needs it more

    async def _remember(self) -> None:
        try:
            await self._disk.call(save, self._data, self._memory.without(self._untold).to_json())
        except OSError as error:
            log.info("what was told cannot be remembered", reason=error.strerror or str(error))


def save(data: Path, document: dict[str, object]) -> None:
    make_folder(data)
    replace_file(data / FILE, json_bytes(document))
