"""Post: one worker's place.  Its number and its sockets outlive the processes that stand there."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol

import structlog

from proxy.listening import Bound, Listener, close_all
from tidegate.serving import WorkerState
from tidegate.tasks import STEADY
from tidegate.workers.orders import Explained, Order, Stop, pack
from tidegate.workers.process import Line, ended, start
from tidegate.workers.relay import READ, relay
from tidegate.workers.reports import LONGEST, Alive, Asks, NotAReport, Ready, Report, Shown, read_report

WAITS = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the next worker after 1, 2, 3, ... deaths in a row; visitors wait at its sockets."""

LOOK = 1.0
STARTING, SILENT = 60, 5
"""Looks without a word of a worker after which it is given up: a small machine starts one in ten seconds.

Looks, not seconds: after the parent itself was held up, words that came meanwhile are heard before the next.
"""

LAST_WORDS = 0.5
"""Seconds in which what a dead worker said is read to its end; somebody else may hold that end open."""

log = structlog.get_logger("tidegate.workers")


class Employer(Protocol):
    """Who has posts to fill (`crew.Crew`)."""

    def greeting(self, sockets: Sequence[tuple[Listener, int]]) -> Iterable[Order]:
        """All that a new worker has to know."""

    def hear(self, report: Report) -> None:
        """What a worker says about others than itself."""

    def explain(self, query: str, tell: Callable[[str], None]) -> None:
        """Why a visitor of the worker gets a page of our own; told later, "" where nobody says."""

    def looked(self) -> None:
        """A post's state has changed."""

    def write_log(self, line: str) -> None: ...


class Post:
    def __init__(self, number: int, bound: Sequence[Bound], employer: Employer) -> None:
        self.shown = -1
        """The serial of the ACME answers that the worker gives."""
        self._number = number
        self._bound = bound
        self._employer = employer
        self._process: Process | None = None
        self._channel: asyncio.StreamWriter | None = None
        self._state: Literal["starting", "serving", "waiting", "stopped"] = "starting"
        self._connections = self._deaths = self._silence = 0
        self._given_up = ""
        self._leaving = asyncio.Event()

    @property
    def state(self) -> WorkerState:
        pid = self._process.pid if self._process else None
        return WorkerState(self._number, pid, self._state, self._connections, self._deaths)

    @property
    def manned(self) -> bool:
        """Whether a process is here that visitors may meet."""
        return self._channel is not None

    def tell(self, frame: bytes) -> None:
        """Send a packed order on its way.  A worker that does not come yet gets all with its greeting."""
        if self._channel and not self._channel.is_closing():
            self._channel.write(frame)

    def leave(self, grace: float) -> None:
        """Accept nobody any more; `keep` returns when the worker has ended what is in flight."""
        self._leaving.set()
        close_all(self._bound)
        self.tell(pack(Stop(grace)))

    async def keep(self) -> None:
        """Have a worker here, and a new one whenever it dies, until told to leave."""
        clock = asyncio.get_running_loop().time
        in_a_row = 0
        while not self._leaving.is_set():
            began = clock()
            end = await self._try_to_man()
            if self._leaving.is_set():
                break
            in_a_row = 1 if clock() - began >= STEADY else in_a_row + 1
            self._deaths += 1
            wait = WAITS[min(in_a_row, len(WAITS)) - 1]
            self._tell_death(end, wait)
            self._turn("waiting")
            await self._rest(wait)
        self._turn("stopped")

    async def _try_to_man(self) -> str:
        """How the worker ended, or why there was none."""
        self._silence, self._given_up, self._connections, self.shown = -STARTING, "", 0, -1
        self._turn("starting")
        try:
            return await self._man()
        except OSError as error:
            return f"could not be started: {error.strerror or error}"
        except Exception:
            log.exception("a post failed", worker=self._number)
            return "was lost by a fault of Tidegate's own"
        finally:
            self._process = self._channel = None

    async def _man(self) -> str:
        async with Line(LONGEST) as channel, Line(READ) as log_line:
            try:
                with channel.theirs, log_line.theirs:
                    if self._leaving.is_set():  # the sockets are closed: nobody is to be started
                        return "was not started"
                    sockets = [sock for _, sock in self._bound]
                    process = self._process = await start(channel.theirs, log_line.theirs, sockets)
                if not self._leaving.is_set():
                    self._channel = channel.writer
                    self._greet()
                    await self._attend(process, channel.reader, log_line.reader)
            finally:
                if self._process:
                    self._kill()
                    await self._process.wait()
        return f"{self._given_up} and was killed" if self._given_up else ended(process.returncode or 0)

    def _greet(self) -> None:
        sockets = [(listener, sock.fileno()) for listener, sock in self._bound]
        for order in self._employer.greeting(sockets):
            self.tell(pack(order))

    async def _attend(
        self, process: Process, reports: asyncio.StreamReader, written: asyncio.StreamReader
    ) -> None:
        """Until the worker has ended and all that it said is heard."""
        async with asyncio.TaskGroup() as tasks:
            hearing = [
                tasks.create_task(self._listen(reports)),
                tasks.create_task(relay(written, self._employer.write_log)),
            ]
            watching = tasks.create_task(self._watch())
            await process.wait()
            await asyncio.wait(hearing, timeout=LAST_WORDS)
            for task in (*hearing, watching):
                task.cancel()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._hear(read_report(line))
        except ConnectionError:  # it died with orders unread
            return
        except (NotAReport, ValueError) as error:  # ValueError: longer than any report
            self._give_up(f"said what no worker says ({error})")

    def _hear(self, report: Report) -> None:
        self._silence = min(self._silence, 0)
        match report:
            case Alive(connections):
                self._connections = connections
            case Ready():
                self._silence = 0
                self._turn("serving")
            case Asks(serial, query):
                self._employer.explain(query, lambda text: self.tell(pack(Explained(serial, text))))
            case Shown(serial):
                self.shown = serial
                self._employer.looked()
            case _:
                self._employer.hear(report)

    async def _watch(self) -> None:
        """Give a worker up that hangs."""
        while not self._given_up:
            await asyncio.sleep(LOOK)
            self._silence += 1
            if self._silence > SILENT and not self._leaving.is_set():
                self._give_up("hung")

    def _give_up(self, why: str) -> None:
        self._given_up = self._given_up or why
        self._kill()

    def _kill(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._leaving.wait()
        except TimeoutError:
            return

    def _turn(self, state: Literal["starting", "serving", "waiting", "stopped"]) -> None:
        self._state = state
        self._employer.looked()

    def _tell_death(self, end: str, wait: float) -> None:
        when = f"in {wait:g} s" if wait else "now"
        said = f"worker {self._number} {end}; the next one starts {when}"
        log.error("worker died", worker=self._number, end=end, restart_in=wait, said=said)
