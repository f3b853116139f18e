"""A real engine, an image of busybox, a network, and containers that are removed afterwards."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from tests.engine import Daemon, NoEngineError, build_image, own_engine, running_engine

WEB = 'CMD ["/bin/sh", "-c", "echo $TEXT > /www/index.html; exec httpd -f -h /www"]'


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    """An engine that may be shared with others: nothing but our own containers is touched."""
    try:
        with running_engine() as url:
            yield url
    except NoEngineError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """An engine that may be stopped."""
    try:
        with own_engine() as daemon:
            yield daemon
    except NoEngineError as missing:
        pytest.skip(str(missing))


class Yard:
    """Containers and networks of one test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = docker.DockerClient(base_url=url, version="auto", timeout=60)
        self.mark = f"tg-{uuid.uuid4().hex[:8]}"
        self.images: list[str] = []
        self.containers: list[Any] = []
        self.networks: list[Any] = []

    def image(self, *changes: str) -> str:
        name = build_image(self.client, f"{self.mark}-{len(self.images)}", [WEB, *changes])
        self.images.append(name)
        return name

    def network(self, name: str = "web") -> Any:
        self.networks.append(self.client.networks.create(f"{self.mark}-{name}"))
        return self.networks[-1]

    def create(self, text: str, labels: dict[str, str], **settings: Any) -> Any:
        settings.setdefault("image", self.images[0] if self.images else self.image("EXPOSE 80"))
        if "network" not in settings and "network_mode" not in settings:
            settings["network"] = (self.networks or [self.network()])[0].name
        settings.setdefault("name", f"{self.mark}-{len(self.containers)}")
        container = self.client.containers.create(
            labels=labels, environment={"TEXT": text}, stop_signal="SIGKILL", **settings
        )
        self.containers.append(container)
        return container

    def start(self, text: str, labels: dict[str, str], **settings: Any) -> Any:
        container = self.create(text, labels, **settings)
        container.start()
        return container

    def clear(self) -> None:
        for container in self.containers:
            container.remove(force=True, v=True)
        for network in self.networks:
            network.remove()
        for name in self.images:
            self.client.images.remove(name, force=True)
        self.client.close()


@pytest.fixture
def yard(engine_url: str) -> Iterator[Yard]:
    here = Yard(engine_url)
    yield here
    here.clear()


@pytest.fixture
def aside() -> Callable[..., Any]:
    """Run a blocking call of the test without holding up what is tested."""
    return asyncio.to_thread
