"""Scenes: an installation as the answers see it, with an engine in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from discovery.container import Container, Listed
from discovery.engine import EngineError
from discovery.labels import read_container
from discovery.language import USUAL, Language
from discovery.merge import merge
from discovery.networks import Own
from proxy.headers import TrustedProxies
from proxy.model import RoutingConfig
from proxy.problem import Problem
from proxy.table import Entrypoint, compile_table
from tests.tidegate.test_status import NOW
from tidegate.rows import EntrypointRow
from tidegate.status import build_status
from tidegate.why.scene import Scene

POINTS = (Entrypoint("web", port=80), Entrypoint("websecure", tls=True, port=443))
OWN = Own(frozenset({"front"}))


@dataclass
class Engine:
    containers: list[Container] = field(default_factory=list)
    broken: str = ""

    async def list_all(self) -> tuple[Listed, ...]:
        if self.broken:
            raise EngineError(self.broken)
        return tuple(Listed(each.id, each.glance, each.labels) for each in self.containers)

    async def list_containers(self) -> tuple[Listed, ...]:
        running = {each.id for each in self.containers if each.running}
        return tuple(each for each in await self.list_all() if each.id in running)

    async def inspect(self, container: str) -> Container | None:
        return next((each for each in self.containers if each.id == container), None)

    async def own(self, listed: object) -> Own:
        return OWN


def container(name: str, address: str = "127.0.0.1", port: int = 80, state: str = "running", health: str = "",
              **labels: str) -> Container:  # fmt: skip
    ours = {key.replace("_", "."): value for key, value in labels.items()}
    return Container(
        (name.encode().hex() + "0" * 64)[:64],
        name,
        "app:1",
        ours,
        networks={"front": address},
        exposed=(port,),
        state=state,
        health=health,
    )


def scene(
    *containers: Container,
    config: RoutingConfig | None = None,
    problems: Iterable[Problem] = (),
    engine: Engine | None = None,
    language: Language = USUAL,
    **changes: object,
) -> Scene:
    fragments = [read_container(each, OWN, language=language) for each in containers]
    config = config or merge(each for each in fragments if each)
    table = compile_table(config, POINTS)
    rows = [EntrypointRow(each.name, "", each.port or 0, each.tls) for each in POINTS]
    status = build_status(
        version="1",
        started=NOW,
        now=NOW,
        config=config,
        routes=table.routes,
        entrypoints=rows,
        problems=problems,
    )
    plain = Scene(
        config=config,
        table=table,
        entrypoints=POINTS,
        trusted=TrustedProxies(),
        fast_lane=True,
        challenge=lambda path: None,
        certificate=lambda host: None,
        server_state=lambda server: "up",
        rows=status.routes,
        problems=status.problems,
        engine=engine or Engine(list(containers)),
        language=language,
    )
    return replace(plain, **changes)
