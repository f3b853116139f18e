"""The demo's containers: what compose.yaml says, on a real engine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import yaml
from docker.models.containers import Container

from compose.demo.image import build_context

HERE = Path(__file__).parent
MARK = "tidegate-demo"
NETWORK = f"{MARK}_default"  # compose gives every project one


@dataclass(frozen=True, slots=True)
class Site:
    service: str
    host: str
    container: Container


def remove_leftovers(engine: docker.DockerClient) -> None:
    for container in engine.containers.list(
        all=True, filters={"label": f"com.docker.compose.project={MARK}"}
    ):
        container.remove(force=True)
    for network in engine.networks.list(names=[NETWORK]):
        network.reload()
        for guest in network.containers:  # of somebody who has tried the demo out
            network.disconnect(guest, force=True)
        network.remove()


@contextmanager
def running(url: str) -> Iterator[tuple[Site, ...]]:
    """Build the image, start every service of compose.yaml, and remove all of it afterwards."""
    engine = docker.DockerClient(base_url=url, timeout=60)
    try:
        remove_leftovers(engine)
        services = yaml.safe_load((HERE / "compose.yaml").read_text())["services"]
        (image,) = {service["image"] for service in services.values()}
        engine.images.build(
            fileobj=io.BytesIO(build_context(HERE / "app.py")), custom_context=True, tag=image, rm=True
        )
        engine.networks.create(NETWORK, driver="bridge")
        yield tuple(start(engine, name, service) for name, service in services.items())
    finally:
        remove_leftovers(engine)
        engine.close()


def start(engine: docker.DockerClient, name: str, service: dict[str, dict[str, str]]) -> Site:
    """One service as `docker compose up` would start it."""
    labels = service["labels"] | {"com.docker.compose.project": MARK, "com.docker.compose.service": name}
    container = engine.containers.run(
        service["image"],
        service["command"],
        name=f"{MARK}-{name}-1",
        labels=labels,
        network=NETWORK,
        detach=True,
    )
    return Site(name, service["labels"]["tidegate.host"], container)
