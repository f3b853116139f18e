"""Shown: what the dashboard, `why` and pages for people in the house tell of the running program."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from proxy.securing import name_shown
from proxy.visitor import TrustedProxies
from tidegate.status import Status, build_status

if TYPE_CHECKING:
    from tidegate.app import App
    from tidegate.why.answer import CertificateSeen
    from tidegate.why.scene import Scene


class Shown:
    def __init__(self, app: App, clock: Callable[[], datetime]) -> None:
        self._app = app
        self._clock = clock

    def status(self) -> Status:
        app = self._app
        return build_status(
            version=app.version,
            data=str(app.settings.data_directory.absolute()),
            started=app.started,
            now=self._clock(),
            config=app.routing.config,
            routes=app.serving.table.routes,
            entrypoints=app.routing.entrypoint_rows(),
            hosts=app.certificates.status(),
            authorities=app.certificates.authorities(),
            engine=app.engine,
            tasks=app.supervisor.states,
            workers=app.serving.workers,
            problems=app.problems,
            server_state=app.reachability.state,
        )

    async def why(self, query: str) -> object:
        """The answer to a question about a request or a container."""
        from tidegate.why.ask import answer, read_query  # only who asks pays for it

        return await answer(read_query(query), self.scene())

    async def explain(self, query: str) -> str:
        """What a visitor in the house reads below a page of the proxy's own; "" for anything else."""
        from tidegate.why.page import explained

        return await explained(query, self.scene())

    def scene(self) -> Scene:
        from tidegate.label_language import language_of
        from tidegate.why.scene import Scene

        app, now = self._app, self.status()
        return Scene(
            config=app.routing.config,
            table=app.serving.table,
            entrypoints=app.routing.listeners,
            trusted=TrustedProxies(app.settings.trusted_proxies),
            fast_lane=app.settings.fast_lane == "on",
            challenge=app.certificates.http01.answer,
            certificate=self.certificate_for,
            server_state=app.reachability.state,
            rows=now.routes,
            problems=now.problems,
            engine=app.asked_engine,
            language=language_of(app.settings),
        )

    def certificate_for(self, host: str) -> CertificateSeen | None:
        from tidegate.why.certificate import certificate_seen

        app = self._app
        known = next((each for each in app.certificates.status() if each.host == host), None)
        return certificate_seen(host, name_shown(host, app.served), app.served, app.default, known)
