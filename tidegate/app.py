"""App: where discovery, proxy and certificates meet, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import structlog

from acme_client.certificate import Certificate
from acme_client.challenges.tlsalpn01 import ProofCertificate
from acme_client.events import Event, NotKept
from acme_client.manager import Manager
from acme_client.preflight import Preflight
from discovery.engine import EngineState
from proxy.capacity import raise_open_files_limit
from proxy.expiring import expiring
from proxy.listening import CannotListen
from proxy.problem import Problem
from proxy.tls import KeyPair
from tidegate.addresses import Off
from tidegate.certs.desk import Desk
from tidegate.chosen import authorities_of, drawer_of, notifier_of, setup
from tidegate.dashboard import Act
from tidegate.dashboard.serve import open_dashboard
from tidegate.logs import Outlet, compare_problems, log_event, log_problems, set_up
from tidegate.machine import this_machine
from tidegate.named_resolvers import names_of, resolvers_of
from tidegate.proofs import dns01_of, provider_of
from tidegate.quietly import quietly
from tidegate.reachability import Reachability
from tidegate.refused_address import refused_entrypoint
from tidegate.routing import Routing
from tidegate.serving import Here, Serving
from tidegate.settings import Settings, possible_challenges
from tidegate.shown import Shown
from tidegate.stopping import stop_signal
from tidegate.tasks import Loop, Supervisor
from tidegate.version import version
from tidegate.volume import Unkept, not_kept
from tidegate.words import count_text

if TYPE_CHECKING:
    from discovery.docker_api import Engine
    from tidegate.notify.notifier import Notifier
    from tidegate.own_certificates import Drawer

AN_HOUR = 3600.0
GRACE = 7.0
"""Seconds for requests in flight at a stop; Docker kills after ten."""

log = structlog.get_logger("tidegate")


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the status page says how long the program has been up


class App:
    """The running program.

    Two sources ask for routes: files and containers.  What both ask for
    together is compiled into one table; the hosts of that table are what the
    certificate manager is told to want.
    """

    def __init__(self, settings: Settings, log: Outlet, unkept: Unkept | None = None) -> None:
        """`unkept` says why what is saved does not stay, where it does not."""
        self.unkept = unkept
        self.settings = settings
        self.notifier: Notifier | None = None
        self.started, self.version = utc_now(), version()
        self.shown = Shown(self, utc_now)
        provider = provider_of(settings)
        dns01 = dns01_of(settings, provider, self.hear)
        self.certificates = Manager(
            settings.data_directory,
            authorities_of(settings, provider.fingerprint if provider else ""),
            self.serve_certificates,
            self.hear,
            dns01=dns01,
            challenges=possible_challenges(settings),
            preflight=Preflight(self.hear, enabled=settings.acme_preflight == "on"),
            not_kept=unkept.reference if unkept else "",
            resolvers=resolvers_of(settings, dns01, self.hear),
        )
        self.notifier = notifier_of(settings, self.certificates, utc_now)
        self.desk = Desk(self.certificates, utc_now, lambda: self.volume_problems)
        self.reachability = Reachability(lambda *_: self.tell_problems())
        self.serving: Serving = self.in_workers(log) if settings.workers > 1 else self.here(log)
        self.certificates.tlsalpn01.on_change = self.show_proofs
        self.routing = Routing(settings, self.serving, self.certificates.want, self.tell_problems)
        self.page_problems: tuple[Problem, ...] = ()
        self.certificate_problems: tuple[Problem, ...] = ()
        self.volume_problems: tuple[Problem, ...] = ()
        self.drawer = drawer_of(settings)
        self.problems: tuple[Problem, ...] = ()
        """All that were told of."""
        self.engine: EngineState | None = None
        self.asked_engine: Engine | None = None
        """For questions; None where no containers are watched."""
        self.served: Mapping[str, Certificate] = {}
        self.default: Certificate | None = None
        self.supervisor = Supervisor(self.loops())

    def here(self, log: Outlet) -> Serving:
        return Here(
            setup(self.settings),
            answers=self.certificates.http01.answer,
            log=log.access,
            reachability=self.reachability,
            refused=refused_certificate,
            explain=self.shown.explain,
        )

    def in_workers(self, log: Outlet) -> Serving:
        # Imported here: only an installation that has workers pays for it.
        from tidegate.workers.crew import Crew

        crew = Crew(
            self.settings.workers,
            setup(self.settings),
            log_level=self.settings.log_level,
            log=log,
            reachability=self.reachability,
            refused=refused_certificate,
            explain=self.shown.explain,
        )
        self.certificates.http01.on_change = crew.show
        return crew

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then let what is in flight end."""
        stopping = stop_signal()
        await self.serving.open()
        try:
            await self.serve_until(stopping)
        except BaseException:
            await self.serving.stop(0)  # a loop that is closed while a worker starts waits for it for ever
            raise

    async def serve_until(self, stopping: asyncio.Event) -> None:
        await self.routing.maintenance.remember()
        if self.drawer is not None:  # before anything could be ordered for what they cover
            from tidegate.own_certificates import publish_changes

            await publish_changes(self.drawer, self.take_certificates, utc_now())
        self.routing.listen()
        data = self.settings.data_directory
        async with (
            open_dashboard(
                self.shown.status, data, self.settings.dashboard, self.shown.why, self.acts(), self.desk.list
            ) as dashboards,
            asyncio.TaskGroup() as group,
        ):
            for entry in self.settings.entrypoints:
                addresses = self.routing.addresses(entry.name)
                said = f"{entry.name} listens on {' and '.join(addresses)}"
                log.info("listening", entrypoint=entry.name, addresses=addresses, said=said)
            for address in dashboards:
                log.info("dashboard", url=f"http://{address}/", said=f"dashboard http://{address}/")
            loops = group.create_task(self.supervisor.run())
            await stopping.wait()
            log.info("stopping", connections=self.serving.connections, said=self.goodbye())
            loops.cancel()
            await self.serving.stop(GRACE)
        log.info("stopped")

    def acts(self) -> dict[str, Act]:
        """What commands may have done, by the paths that they ask at."""
        return {
            "/api/maintenance": self.routing.maintenance.act,
            "/api/certs/renew": self.desk.renew,
            "/api/certs/revoke": self.desk.revoke,
            "/api/certs/change-keys": self.desk.change_keys,
            "/api/certs/reload": self.desk.reload,
        }

    def goodbye(self) -> str:
        count = self.serving.connections
        return f"stopping: {count_text(count, 'connection')} may end first" if count else "stopping"

    def loops(self) -> Mapping[str, Loop]:
        """What runs for ever; none is there for a source that is switched off."""
        loops: dict[str, Loop] = {
            "certificates": self.certificates.run,
            "routes": self.routing.rebuilding.run,
        }
        loops["client authorities"] = self.watch_authorities
        if not isinstance(self.settings.docker, Off):
            loops["containers"] = self.watch_containers
        if self.settings.routes is not None:
            loops["route files"] = partial(self.watch_files, self.settings.routes)
        if self.notifier is not None:
            loops["notifications"] = self.notifier.run
        if self.drawer is not None:
            loops["own certificates"] = partial(self.watch_certificates, self.drawer)
        if self.settings.pages is not None:
            loops["pages"] = partial(self.watch_pages, self.settings.pages)
        return loops

    async def watch_containers(self) -> None:
        # Imported here: only an installation that watches an engine pays for it.
        from discovery.docker_api import Engine
        from discovery.watch import watch
        from tidegate.label_language import language_of

        engine = self.asked_engine = Engine(str(self.settings.docker or ""))
        language = language_of(self.settings)
        await watch(
            engine,
            self.routing.take_containers,
            self.routing.drop_owner,
            self.take_engine_state,
            language,
            quietly,
        )

    async def watch_files(self, path: Path) -> None:
        from discovery.route_files import watch_files

        await watch_files(path, self.routing.take_files, names_of(self.settings))

    async def watch_pages(self, directory: Path) -> None:
        from tidegate.own_pages import watch_pages

        await watch_pages(directory, self.take_pages)

    async def watch_certificates(self, drawer: Drawer) -> None:
        from tidegate.own_certificates import watch_certificates

        await watch_certificates(drawer, self.take_certificates, utc_now)

    # What the loops bring

    def take_pages(self, pages: Mapping[str, str], problems: tuple[Problem, ...]) -> None:
        self.serving.furnish(pages)
        self.page_problems = problems
        self.tell_problems()

    def take_certificates(self, own: Sequence[Certificate], problems: tuple[Problem, ...]) -> None:
        self.certificates.give(own)
        self.certificate_problems = problems
        self.tell_problems()

    def hear(self, event: Event) -> None:
        """What the certificate manager tells goes into the log, and where its owner wants to be told."""
        if isinstance(event, NotKept) and self.unkept:
            self.volume_problems = (self.unkept.problem,)
            self.tell_problems()
        else:
            log_event(event)
        if self.notifier:
            self.notifier.hear(event)

    def take_engine_state(self, state: EngineState) -> None:
        self.engine = state
        (log.info if state.up else log.warning)("engine", up=state.up, what=state.what, said=state.what)

    def tell_problems(self) -> None:
        """Say what has become wrong since the last time, and what no longer is."""
        unreachable = self.reachability.problems(self.serving.table.services)
        table = self.serving.table
        of_files = (*self.volume_problems, *self.page_problems, *self.certificate_problems)
        of_clients = expiring(table.securing, utc_now())
        problems = (*self.routing.config.problems, *table.problems, *of_clients, *of_files, *unreachable)
        log_problems(compare_problems(self.problems, problems))
        self.problems = problems

    async def watch_authorities(self) -> NoReturn:
        """Those that vouch for clients expire without anything else changing."""
        while True:
            await asyncio.sleep(AN_HOUR)
            self.tell_problems()

    # Certificates

    def serve_certificates(self, served: Mapping[str, Certificate], default: Certificate) -> None:
        self.served, self.default = served, default
        pairs = {host: key_pair(certificate) for host, certificate in served.items()}
        self.serving.certify(pairs, key_pair(default))

    def show_proofs(self, proofs: Mapping[str, ProofCertificate]) -> Awaitable[None]:
        return self.serving.prove({name: key_pair(proof) for name, proof in proofs.items()})


def run(settings: Settings) -> int:
    """Serve until stopped; the exit status."""
    with set_up(settings.log_level, settings.log_format) as outlet:
        raise_open_files_limit()
        data = settings.data_directory
        log.info("starting", version=version(), data=str(data), said=f"Tidegate {version()}, data in {data}")
        try:
            asyncio.run(serve(settings, outlet, not_kept(data, in_container=this_machine().in_container)))
        except CannotListen as error:
            log.error(cannot_listen(error, settings))
            return 1
    return 0


def cannot_listen(error: CannotListen, settings: Settings) -> str:
    """What to do about it."""
    [entry] = [entry for entry in settings.entrypoints if entry.name == error.entrypoint]
    return refused_entrypoint(entry, error.errno)


async def serve(settings: Settings, outlet: Outlet, unkept: Unkept | None = None) -> None:
    await App(settings, outlet, unkept).run()


def refused_certificate(host: str, reason: str) -> None:
    log.error("certificate cannot be used", host=host, reason=reason)


def key_pair(certificate: Certificate | ProofCertificate) -> KeyPair:
    return KeyPair(certificate.chain_pem, certificate.key_pem)
