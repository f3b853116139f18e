"""Worker: the process that serves visitors, and knows nothing but what it serves.

It begins in a fresh interpreter, so that nothing of its parent's memory is
here: neither the ACME account nor the Docker socket nor a file of the data
directory.  All it has was ordered or inherited: its listening sockets, the
channel to its parent, and the pipe that takes its log.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Collection, Mapping
from typing import NoReturn

from proxy.model import Server
from tidegate.logs import Outlet, set_up
from tidegate.reachability import Reachability
from tidegate.rebuilding import Rebuilding
from tidegate.serving import Here, Prepared
from tidegate.workers import reports
from tidegate.workers.orders import (
    Begin,
    Certify,
    DropOwner,
    Explained,
    Furnish,
    Learn,
    Open,
    Order,
    Serve,
    Show,
    Stop,
    read_order,
    receive_order,
)

HEARTBEAT = 1.0
"""Seconds between two signs of life."""

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # prctl(2)


def main(descriptor: int) -> int:
    """Serve until told to stop; `descriptor` is this end of the channel."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A terminal and systemd send them to every process; only the parent knows how to stop.
        signal.signal(number, signal.SIG_IGN)
    channel = socket.socket(fileno=descriptor)
    begin = receive_order(channel)
    if not isinstance(begin, Begin):
        raise TypeError("the first order is to begin")
    tie_to(begin.parent)
    with set_up(begin.log_level, "console" if begin.console else "json") as log:
        asyncio.run(serve(begin, channel, log))
    return 0


def tie_to(parent: int) -> None:
    """Never outlive the parent, not even while stopped by a signal, and never gain a right."""
    if sys.platform == "linux":
        import ctypes

        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
        prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0)
    if os.getppid() != parent:
        leave()


def leave() -> NoReturn:
    os._exit(1)


async def serve(begin: Begin, channel: socket.socket, log: Outlet) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=channel)
    await Worker(begin, reader, writer, log).run()


class Worker:
    def __init__(
        self, begin: Begin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: Outlet
    ) -> None:
        self._begin = begin
        self._reader = reader
        self._writer = writer
        self._answers: Mapping[str, bytes] = {}
        self._asked: dict[int, asyncio.Future[str]] = {}
        self._serial = 0
        self._reachability = Reachability(self._tell_tried)
        self._here = Here(
            begin.setup,
            answers=lambda path: self._answers.get(path),
            log=log.access,
            reachability=self._reachability,
            refused=lambda host, reason: self._tell(reports.Refused(host, reason)),
            explain=self._ask_why,
        )
        self._rebuilding = Rebuilding(self._prepare, self._serve, Prepared.pieces)
        self._complete = asyncio.Event()
        self._stop: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            loops = [tasks.create_task(each) for each in (self._obey(), self._beat(), self._rebuilding.run())]
            await self._complete.wait()
            await self._rebuilding.settled()
            sockets = self._begin.sockets
            await self._here.open([(listener, socket.socket(fileno=number)) for listener, number in sockets])
            self._tell(reports.Ready())
            await self._here.stop(await self._stop)
            for loop in loops:
                loop.cancel()

    async def _obey(self) -> NoReturn:
        """Do what comes; a parent that has ended takes this process along."""
        while True:
            try:
                order = await read_order(self._reader)
            except (asyncio.IncompleteReadError, OSError):
                leave()
            self._do(order)

    def _do(self, order: Order) -> None:
        match order:
            case Serve():
                self._rebuilding.ask(order)
            case Certify(certificates, default):
                self._here.certify(certificates, default)
            case Furnish(pages):
                self._here.furnish(pages)
            case DropOwner(owner):
                self._here.drop_owner(owner)
                self._rebuilding.drop_owner(owner)
            case Show(serial, answers, proofs):
                self._answers = answers
                self._here.prove(proofs)
                self._tell(reports.Shown(serial))
            case Learn(server, failure):
                self._reachability.learn(server, failure)
            case Explained(serial, text):
                if (asked := self._asked.get(serial)) and not asked.done():
                    asked.set_result(text)
            case Open():
                self._complete.set()
            case Stop(grace) if not self._stop.done():
                self._stop.set_result(grace)

    def _prepare(self, order: Serve) -> Prepared:
        return self._here.prepare(*order.unpacked())

    def _serve(self, prepared: Prepared, gone: Collection[str]) -> None:
        self._here.serve(prepared)
        for owner in gone:
            self._here.drop_owner(owner)

    async def _ask_why(self, query: str) -> str:
        """The parent's answer: it knows what is served elsewhere, and containers."""
        serial = self._serial = (self._serial + 1) % reports.LARGEST
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked[serial] = answer
        try:
            self._tell(reports.Asks(serial, query))
            return await answer
        finally:
            del self._asked[serial]

    async def _beat(self) -> NoReturn:
        while True:
            self._tell(reports.Alive(self._here.connections))
            await asyncio.sleep(HEARTBEAT)

    def _tell_tried(self, server: Server, failure: str) -> None:
        self._tell(reports.Tried(server.owner, server.url, failure))

    def _tell(self, report: reports.Report) -> None:
        self._writer.write(reports.line_of(report))
