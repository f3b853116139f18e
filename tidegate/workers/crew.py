"""Crew: all workers, as one thing that serves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import structlog

from proxy.aiohttp_later import COMPILED, SlowParser
from proxy.balancer import Balancer
from proxy.explainer import AT_ONCE, PATIENCE, Ask, silent
from proxy.frozen import frozen
from proxy.listening import Listener, addresses_of, bind_all
from proxy.model import RoutingConfig, Server
from proxy.outside import Outside
from proxy.running import Running
from proxy.table import Entrypoint, RoutingTable, compile_table
from proxy.tls import KeyPair, unusable
from proxy.upstream import Pool
from tidegate.logs import Level, Outlet
from tidegate.reachability import Reachability
from tidegate.serving import Prepared, Setup, WorkerState, servers_of
from tidegate.workers.orders import Begin, Certify, DropOwner, Furnish, Learn, Open, Order, Serve, Show, pack
from tidegate.workers.post import Post
from tidegate.workers.reports import Refused, Report, Tried

log = structlog.get_logger("tidegate.workers")
DEFAULT = "(default)"
"""What `SNI.publish` calls the certificate for all other names."""

LAST = 0.7
"""Seconds that a worker has for its end after the grace, before it is killed."""


@frozen
class ForWorkers(Prepared):
    """`by_url` finds the servers that a worker speaks of."""

    by_url: Mapping[tuple[str, str], Sequence[Server]]
    order: Serve


class Crew:
    """Keeps what was said last, because whoever comes later has to be told."""

    def __init__(
        self,
        size: int,
        setup: Setup,
        *,
        log_level: Level,
        log: Outlet,
        reachability: Reachability,
        refused: Callable[[str, str], None],
        explain: Ask = silent,
    ) -> None:
        if not COMPILED:
            raise SlowParser  # once, and not in every worker again and again
        self.table = RoutingTable()
        self.addresses: Mapping[str, tuple[tuple[str, int], ...]] = {}
        self._size = size
        self._setup = setup
        self._log_level = log_level
        self._log = log
        self._reachability = reachability
        self._refused = refused
        self._explain = explain
        self._explaining = 0
        self._running = Running(
            Outside(Pool(), Balancer())
        )  # for the table to look at: nothing is asked here
        self._posts: tuple[Post, ...] = ()
        self._routing: Serve | None = None
        self._certificates: Certify | None = None
        self._furnished = Furnish({})
        self._shown = Show(0, {}, {})
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._may_be_refused: set[str] = set()
        self._servers: Mapping[tuple[str, str], Sequence[Server]] = {}
        self._keeping = AsyncExitStack()

    @property
    def connections(self) -> int:
        return sum(worker.connections for worker in self.workers)

    @property
    def workers(self) -> tuple[WorkerState, ...]:
        return tuple(post.state for post in self._posts)

    async def open(self) -> None:
        """All sockets are bound before any worker starts; who connects before one does waits at them."""
        sets = bind_all(self._setup.listeners, self._size)
        self.addresses = addresses_of(sets[0])
        self._posts = tuple(Post(number, bound, self) for number, bound in enumerate(sets, 1))
        tasks = await self._keeping.enter_async_context(asyncio.TaskGroup())
        for post in self._posts:
            tasks.create_task(post.keep())
        self._tasks = tasks

    def prepare(self, config: RoutingConfig, entrypoints: Sequence[Entrypoint]) -> ForWorkers:
        """Compiled here as well: for the eyes of the owner, and so that what cannot be never gets there."""
        table = compile_table(config, entrypoints, self._running)
        table.problems += tuple(unusable(table.securing))
        by_url: dict[tuple[str, str], list[Server]] = {}
        servers = frozenset(servers_of(table))
        for server in servers:
            by_url.setdefault((server.owner, server.url), []).append(server)
        order = Serve.of(replace(config, problems=()), tuple(entrypoints))
        return ForWorkers(config, table, servers, frozenset(), frozenset(), (), by_url, order)

    def serve(self, prepared: ForWorkers) -> None:
        self.table = prepared.table
        self._servers = prepared.by_url
        self._reachability.retain(prepared.servers)
        self._routing = prepared.order
        self._tell(self._routing)

    def certify(self, certificates: Mapping[str, KeyPair], default: KeyPair) -> None:
        self._may_be_refused = {*certificates, DEFAULT}
        self._certificates = Certify(certificates, default)
        self._tell(self._certificates)

    def furnish(self, pages: Mapping[str, str]) -> None:
        self._furnished = Furnish(pages)
        self._tell(self._furnished)

    def drop_owner(self, owner: str) -> None:
        self._tell(DropOwner(owner))

    def show(self, answers: Mapping[str, bytes]) -> Awaitable[None]:
        """Give these answers to the ACME authority; done when every worker does."""
        return self._spread(answers, self._shown.proofs)

    def prove(self, proofs: Mapping[str, KeyPair]) -> Awaitable[None]:
        return self._spread(self._shown.answers, proofs)

    def _spread(self, answers: Mapping[str, bytes], proofs: Mapping[str, KeyPair]) -> Awaitable[None]:
        self._shown = Show(self._shown.serial + 1, answers, proofs)
        self._tell(self._shown)
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((self._shown.serial, done))
        self.looked()
        return done

    async def stop(self, grace: float) -> None:
        for post in self._posts:
            post.leave(grace)
        try:
            async with asyncio.timeout(grace + LAST):
                await self._keeping.aclose()
        except TimeoutError:
            return  # whoever had not gone was killed

    def _tell(self, order: Order) -> None:
        frame = pack(order)
        for post in self._posts:
            post.tell(frame)

    # What posts need

    def greeting(self, sockets: Sequence[tuple[Listener, int]]) -> Iterator[Order]:
        yield Begin(os.getpid(), self._setup, tuple(sockets), self._log_level, self._log.console)
        for server, failure in self._reachability.failing.items():
            yield Learn(server, failure)
        yield self._furnished
        yield self._shown
        if self._certificates:
            yield self._certificates
        if self._routing:
            yield self._routing
        yield Open()

    def hear(self, report: Report) -> None:
        match report:
            case Tried(owner, url, failure):
                for server in self._servers.get((owner, url), ()):
                    self._hear_tried(server, failure)
            case Refused(host, reason) if host in self._may_be_refused:
                self._may_be_refused.discard(host)  # every worker says so; once is enough
                self._refused(host, reason)

    def explain(self, query: str, tell: Callable[[str], None]) -> None:
        """A worker faces strangers: it is answered only where somebody may be told, and not without end."""
        if not self._setup.explain_to or self._explaining >= AT_ONCE:
            tell("")
            return
        self._explaining += 1
        self._tasks.create_task(self._answer(query, tell))

    async def _answer(self, query: str, tell: Callable[[str], None]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                tell(await self._explain(query))
        except TimeoutError:
            tell("")
        except Exception:
            log.exception("a page could not be explained")
            tell("")
        finally:
            self._explaining -= 1

    def _hear_tried(self, server: Server, failure: str) -> None:
        """The last word counts, whoever has it; all get to know it, so that the next change is told again."""
        if self._reachability.failing.get(server, "") != failure:
            self._reachability.hear(server, failure)
            self._tell(Learn(server, failure))

    def looked(self) -> None:
        """Let those go on who wait for answers that all workers give by now.

        A post without a worker is not waited for: the next one has the answers before it opens.
        """
        oldest = min((post.shown for post in self._posts if post.manned), default=self._shown.serial)
        waiting, self._waiting = self._waiting, []
        for serial, done in waiting:
            if done.done():  # given up meanwhile
                continue
            if serial <= oldest:
                done.set_result(None)
            else:
                self._waiting.append((serial, done))

    def write_log(self, line: str) -> None:
        self._log.write(line)
