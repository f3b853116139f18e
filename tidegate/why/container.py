"""Container: the whole answer about a container: what it asks for, what it got, and what is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from discovery.container import Container
from discovery.engine import EngineError
from discovery.standing import Standing, meant, standing
from proxy.model import Router, Service
from proxy.problem import Problem
from tidegate.reachability import problem as unreachable
from tidegate.rows import RouteRow
from tidegate.status import without_secrets
from tidegate.why.answer import ContainerAnswer, ContainerSeen, ServerSeen
from tidegate.why.probe import status_of
from tidegate.why.scene import Asked, Scene
from tidegate.why.servers import look_at as look_at_servers
from tidegate.words import count_text

MOST = 20
"""Containers that are looked at for one word."""


async def find(word: str, engine: Asked) -> tuple[list[Container], str | None]:
    """The containers that are meant, and a name like it where there is none; raises EngineError."""
    idents, similar = meant(word, await engine.list_all())
    found = await asyncio.gather(*map(engine.inspect, idents[:MOST]))
    return sorted((each for each in found if each), key=lambda each: each.name), similar


async def about_containers(word: str, containers: Sequence[Container], scene: Scene) -> ContainerAnswer:
    engine = scene.engine
    assert engine is not None  # noqa: S101 - the containers come from it
    try:
        listed = {each.id: each for each in await engine.list_containers()}
        own = await engine.own(listed)
        joined = {each.joined for each in containers if each.joined} & listed.keys()
        others = {each.id: each for ident in joined if (each := await engine.inspect(ident))}
    except EngineError as error:
        return ContainerAnswer(str(error), False)
    others |= {each.id: each for each in containers}
    standings = [standing(each, own, others, scene.language) for each in containers]
    seen = await asyncio.gather(*(look_at(each, scene) for each in standings))
    return ContainerAnswer(first_line(word, seen), any(each.served for each in seen), tuple(seen))


async def look_at(found: Standing, scene: Scene) -> ContainerSeen:
    container, fragment = found.container, found.fragment
    rows = [row for row in scene.rows if any(server.owner == container.id for server in row.servers)]
    servers, failures, unreached = await tried(container.id, rows, scene)
    problems = dict.fromkeys((*scene.problems_of(container.name), *(fragment.problems if fragment else ())))
    refused = tuple(each for each in problems if each.severity != "notice")
    return ContainerSeen(
        name=container.name,
        id=container.id[:12],
        image=container.image,
        state=container.state,
        health=container.health,
        networks=tuple(sorted(container.networks)),
        asks=tuple(asked_for(router, fragment.services) for router in fragment.routers.values())
        if fragment
        else (),
        routes=tuple(map(route_line, rows)),
        hindrances=found.hindrances,
        problems=tuple(map(without_secrets, dict.fromkeys((*refused, *unreached)))),
        servers=servers,
        failures=failures,
    )


async def tried(
    owner: str, rows: Sequence[RouteRow], scene: Scene
) -> tuple[tuple[ServerSeen, ...], tuple[str, ...], tuple[Problem, ...]]:
    """The container's servers that its routes lead to, and what is wrong where one cannot be reached."""
    routed = {server.url for row in rows for server in row.servers if server.owner == owner}
    services = [each for each in scene.config.services.values() if each.is_leaf]
    mine = [server for each in services for server in each.servers if server.owner == owner]
    asked = [server for server in dict.fromkeys(mine) if server.url in routed]
    seen = await look_at_servers(asked, scene)
    down = {server: each.probe for server, each in zip(asked, seen, strict=True) if status_of([each.probe])}
    failures, problems = [], []
    for service in services:
        others = [each for each in service.servers if each not in down and scene.server_state(each) == "up"]
        for server in (each for each in service.servers if each in down):
            wrong = unreachable(service, server, down[server], alone=not others)
            routes = [row for row in rows if server.url in (each.url for each in row.servers)]
            leads = f"{'; '.join(map(route_line, routes))} leads to {server.url}, {down[server]}"
            failures.append(f"{leads}. {wrong.consequence}")
            problems.append(wrong)
    return seen, tuple(failures), tuple(problems)


def asked_for(router: Router, services: Mapping[str, Service]) -> str:
    """`Host(...) to service blog@docker at port 80`."""
    service = services.get(router.service)
    ports = ", ".join(str(server.port) for server in service.servers) if service else ""
    return f"{router.rule} -> {router.service}" + (f", port {ports}" if ports else "")


def route_line(row: RouteRow) -> str:
    return f"{', '.join(row.urls) or row.rule} (router {row.router})"


def first_line(word: str, seen: Sequence[ContainerSeen]) -> str:
    if len(seen) > 1:
        served = sum(each.served for each in seen)
        verb = "is" if served == 1 else "are"
        return f"{word} is {count_text(len(seen), 'container')}; {served} of them {verb} served."
    [only] = seen
    if only.failures:
        return f"Container {only.name} does not answer: {' '.join(only.failures)}"
    if only.routes:
        return f"Container {only.name} is served at {'; '.join(only.routes)}."
    return f"Container {only.name} gets no requests: {reason(only)}"


def reason(seen: ContainerSeen) -> str:
    """The first thing that is in the way of one that is not served."""
    reasons = [*seen.hindrances, *(each.what.rpartition("\n")[2] for each in seen.problems)]
    return reasons[0] if reasons else "Its labels ask for no route."
