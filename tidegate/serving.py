"""Serving: what answers visitors, as the rest of the program sees it; `Here` does it in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, Protocol

from proxy.balancer import Balancer
from proxy.checking import Checker, is_checked
from proxy.entrypoint import Entrypoints
from proxy.explainer import Ask, Explainer, silent
from proxy.frozen import frozen
from proxy.headers import TrustedProxies
from proxy.outside import Outside
from proxy.pages import furnish
from proxy.queueing import call_later
from proxy.running import Running
from proxy.table import Entrypoint, RoutingTable, compile_table
from proxy.tls import SNI, KeyPair, unusable
from proxy.upstream import Pool, Timeouts, addresses_of, transports_of
from proxy.upstream_connection import Address
from tidegate.gateways import is_gateway
from tidegate.tasks import Supervisor

if TYPE_CHECKING:
    from proxy.access_log import Tally
    from proxy.listening import Bound, Listener
    from proxy.model import RoutingConfig, Server, Service
    from proxy.reaching import Transport
    from proxy.values import IPNetwork
    from tidegate.reachability import Reachability


@frozen
class Setup:
    """What is fixed at the start; times in seconds."""

    listeners: tuple[Listener, ...]
    trusted: tuple[IPNetwork, ...] = ()
    upstream_timeout: float = 60.0
    fast_lane: bool = True
    explain_to: tuple[IPNetwork, ...] = ()


@frozen
class Prepared:
    """A routing that is ready to be served, with all of it that takes long."""

    config: RoutingConfig
    table: RoutingTable
    servers: frozenset[Server]
    addresses: frozenset[Address]
    transports: frozenset[Transport | None]
    checked: tuple[Service, ...]
    """Those whose servers are asked whether they are well."""

    def pieces(self) -> list[object]:
        """What there are thousands of."""
        routes = (route for each in self.table.routes.values() for route in each)
        of_config = (*self.config.routers.values(), *self.config.services.values())
        return [*routes, *of_config, *self.servers, *self.addresses]


@frozen
class WorkerState:
    """One worker as `tidegate routes` and the dashboard show it; `connections` is from its last heartbeat."""

    number: int
    pid: int | None
    state: Literal["starting", "serving", "waiting", "stopped"]
    connections: int = 0
    deaths: int = 0


def servers_of(table: RoutingTable) -> Iterator[Server]:
    return (server for each in table.services.values() for server in each.servers)


class Serving(Protocol):
    """Visitors in, answers out, by what it was told last."""

    @property
    def table(self) -> RoutingTable:
        """The table that is served, or that the workers were told to serve."""

    @property
    def addresses(self) -> Mapping[str, tuple[tuple[str, int], ...]]:
        """Where each entrypoint really listens, by its name."""

    @property
    def connections(self) -> int: ...

    @property
    def workers(self) -> tuple[WorkerState, ...]:
        """Empty where this process serves itself."""

    async def open(self) -> None:
        """Listen everywhere, or raise CannotListen and listen nowhere."""

    def prepare(self, config: RoutingConfig, entrypoints: Sequence[Entrypoint]) -> Prepared:
        """Whatever takes long of serving this routing; in any thread, but not twice at a time."""

    def serve(self, prepared: Any) -> None:
        """Serve what `prepare` made from now on; requests in flight keep their route."""

    def certify(self, certificates: Mapping[str, KeyPair], default: KeyPair) -> None:
        """Serve these certificates to connections from now on."""

    def furnish(self, pages: Mapping[str, str]) -> None:
        """Show these pages of the owner's, by status, where no app answers."""

    def prove(self, proofs: Mapping[str, KeyPair]) -> Awaitable[None]:
        """Show these to an ACME authority that asks for them by TLS; done when it may ask."""

    def drop_owner(self, owner: str) -> None:
        """A container is gone: nothing more is sent to its address.  Returns without waiting."""

    async def stop(self, grace: float) -> None:
        """Accept nobody any more, and be done when nothing is in flight or `grace` seconds are over."""


class Here:
    """In this process."""

    def __init__(
        self,
        setup: Setup,
        *,
        answers: Callable[[str], bytes | None],
        log: Callable[[Tally], None],
        reachability: Reachability,
        refused: Callable[[str, str], None],
        explain: Ask = silent,
    ) -> None:
        """`answers` has the body for an ACME challenge's path; `refused` hears of unusable certificates.

        `explain` says why a page of our own came; it is asked for visitors in `setup.explain_to` alone.
        """
        self.sni = SNI()
        self.pool = Pool(Timeouts(first_byte=setup.upstream_timeout))
        self.pool.on_tried = reachability.tried
        self.outside = Outside(self.pool, balancer := Balancer(self.pool.busy, monotonic, call_later))
        self._reachability = reachability
        self._refused = refused
        self._balancer = balancer
        balancer.on_judged = reachability.judged
        self._checker = Checker(self.pool, balancer.judge)
        self._checking: asyncio.Task[None] | None = None
        self._running = Running(self.outside)
        trusted = TrustedProxies(setup.trusted)
        explainer = Explainer(setup.explain_to, trusted, explain, is_gateway) if setup.explain_to else None
        self._entrypoints = Entrypoints(
            setup.listeners,
            table=RoutingTable(),
            pool=self.pool,
            balancer=balancer,
            sni=self.sni,
            answers=answers,
            log=log,
            trusted=trusted,
            fast_lane=setup.fast_lane,
            explainer=explainer,
        )

    @property
    def table(self) -> RoutingTable:
        return self._entrypoints.table

    @property
    def addresses(self) -> Mapping[str, tuple[tuple[str, int], ...]]:
        return self._entrypoints.addresses

    @property
    def connections(self) -> int:
        return self._entrypoints.connections

    @property
    def workers(self) -> tuple[WorkerState, ...]:
        return ()

    async def open(self, bound: Sequence[Bound] | None = None) -> None:
        """`bound` are the sockets where somebody else has bound them."""
        await self._entrypoints.open(bound)
        loops = Supervisor({"health checks": self._checker.run})
        self._checking = asyncio.get_running_loop().create_task(loops.run())

    def prepare(self, config: RoutingConfig, entrypoints: Sequence[Entrypoint]) -> Prepared:
        """What has begun of the middlewares belongs to whoever prepares, and to nobody else."""
        table = compile_table(config, entrypoints, self._running)
        table.problems += tuple(unusable(table.securing))
        servers = frozenset(servers_of(table))
        services = tuple(each for each in table.services.values() if is_checked(each))
        addresses, transports = addresses_of(servers), transports_of(servers)
        return Prepared(config, table, servers, addresses, transports, services)

    def serve(self, prepared: Prepared) -> None:
        """The one place where a table is swapped.  Nothing here looks at each of ten thousand routers."""
        self.outside.services = prepared.table.services
        self.sni.secure(prepared.table.securing)  # first: nothing is served on weaker terms than it asks for
        self._entrypoints.table = prepared.table
        self.pool.retain(prepared.servers, prepared.addresses, prepared.transports)
        self._reachability.retain(prepared.servers)
        self._balancer.retain(prepared.table.services)
        self._checker.watch(prepared.checked)

    def certify(self, certificates: Mapping[str, KeyPair], default: KeyPair) -> None:
        for host, reason in self.sni.publish(certificates, default).items():
            self._refused(host, reason)

    def furnish(self, pages: Mapping[str, str]) -> None:
        furnish(pages)

    def prove(self, proofs: Mapping[str, KeyPair]) -> Awaitable[None]:
        self.sni.prove(proofs)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def drop_owner(self, owner: str) -> None:
        self.pool.drop_owner(owner)

    async def stop(self, grace: float) -> None:
        await self._entrypoints.stop(grace)
        if self._checking:
            self._checking.cancel()
            await asyncio.wait((self._checking,))
        await self.outside.close()
        await self.pool.close()
