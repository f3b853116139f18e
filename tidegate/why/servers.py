"""Servers: each tried just now, and what the engine says of the container behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from discovery.container import Listed
from discovery.engine import EngineError
from proxy.model import Server
from tidegate.why.answer import ServerSeen
from tidegate.why.probe import ACCEPTS, probe
from tidegate.why.scene import Scene


async def look_at(servers: Sequence[Server], scene: Scene) -> tuple[ServerSeen, ...]:
    if not servers:
        return ()
    probes = await probe(servers)
    listed = await containers_of(scene)
    return tuple(map(lambda server, tried: seen(server, tried, listed, scene), servers, probes))


async def containers_of(scene: Scene) -> Mapping[str, Listed]:
    """The running containers by id; none where the engine cannot say."""
    if scene.engine is None:
        return {}
    try:
        return {each.id: each for each in await scene.engine.list_containers()}
    except EngineError:
        return {}


def seen(server: Server, tried: str, listed: Mapping[str, Listed], scene: Scene) -> ServerSeen:
    reported = scene.server_state(server)
    if tried == ACCEPTS and server.scheme == "https" and reported != "up":
        tried = reported  # a connection is not all that it needs
    entry = listed.get(server.owner)
    if entry is None:
        return ServerSeen(server.url, "", "", "", tried)
    glance = entry.glance
    state = f"{glance.state}, {glance.health}" if glance.health else glance.state
    network = next((name for name, address in glance.networks.items() if address == server.address), "")
    return ServerSeen(server.url, glance.name, state, network, tried)
