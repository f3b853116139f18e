"""Crowd: containers of the test app on a real engine, removed afterwards whatever happens."""

from __future__ import annotations

import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self

import docker
from docker.models.containers import Container

from compose.demo.image import build_context

IMAGE = "tidegate-test-app"


class Crowd:
    """Starts the app of tests/integration/app.py under one compose project of its own."""

    def __init__(self, url: str) -> None:
        self.engine = docker.DockerClient(base_url=url, timeout=120)
        self.project = f"crowd-{uuid.uuid4().hex[:8]}"
        self.network = self.engine.networks.create(f"{self.project}_default", driver="bridge")
        self.engine.images.build(
            fileobj=io.BytesIO(build_context(Path(__file__).with_name("app.py"))),
            custom_context=True,
            tag=IMAGE,
            rm=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self.network.remove()
        self.engine.close()

    def start(self, name: str, labels: dict[str, str], *, service: str = "", **options: object) -> Container:
        """A running container of its own compose service; every answer of it says `name`."""
        compose = {"com.docker.compose.project": self.project, "com.docker.compose.service": service or name}
        container = self.engine.containers.run(
            IMAGE,
            labels=labels | compose,
            environment={"APP": name},
            detach=True,
            network=self.network.name,
            **{"stop_signal": "SIGKILL", **options},
        )
        container.reload()
        return container

    def clear(self) -> None:
        """Remove every container of this project."""
        found = self.engine.containers.list(
            all=True, filters={"label": f"com.docker.compose.project={self.project}"}
        )
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(partial(Container.remove, force=True), found))  # whoever cannot be removed raises
