"""Container: the whole answer about a container: what it asks for, what it got, and what is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from discovery.container import Container
from discovery.engine import EngineError
from discovery.networks import Own
from discovery.standing import Standing, meant, standing
from proxy.model import Router, Service
from tidegate.rows import RouteRow
from tidegate.status import without_secrets
from tidegate.why.answer import ContainerAnswer, ContainerSeen
from tidegate.why.scene import Asked, Scene
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
    seen = tuple(look_at(each, own, others, scene) for each in standings)
    return ContainerAnswer(first_line(word, seen), any(each.routes for each in seen), seen)


def look_at(found: Standing, own: Own, others: Mapping[str, Container], scene: Scene) -> ContainerSeen:
    container, fragment = found.container, found.fragment
    rows = [row for row in scene.rows if any(server.owner == container.id for server in row.servers)]
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
        problems=tuple(map(without_secrets, refused)),
    )


def asked_for(router: Router, services: Mapping[str, Service]) -> str:
    """`Host(...) to service blog@docker at port 80`."""
    service = services.get(router.service)
    ports = ", ".join(str(server.port) for server in service.servers) if service else ""
    return f"{router.rule} -> {router.service}" + (f", port {ports}" if ports else "")


def route_line(row: RouteRow) -> str:
    return f"{', '.join(row.urls) or row.rule} (router {row.router})"


def first_line(word: str, seen: Sequence[ContainerSeen]) -> str:
    if len(seen) > 1:
        served = sum(bool(each.routes) for each in seen)
        verb = "is" if served == 1 else "are"
        return f"{word} is {count_text(len(seen), 'container')}; {served} of them {verb} served."
    [only] = seen
    if only.routes:
        return f"Container {only.name} is served at {'; '.join(only.routes)}."
    return f"Container {only.name} gets no requests: {reason(only)}"


def reason(seen: ContainerSeen) -> str:
    """The first thing that is in the way of one that is not served."""
    reasons = [*seen.hindrances, *(each.what.rpartition("\n")[2] for each in seen.problems)]
    return reasons[0] if reasons else "Its labels ask for no route."
