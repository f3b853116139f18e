"""Site: an app in a container with one label, and Tidegate before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from docker.models.containers import Container

from compose.image.building import Workshop
from tests.integration.image.town import HARDENED, Town, address_of, in_time, log_of, processes, proportional

IMAGES = Path(__file__).parent / "images"
ISSUED_WITHIN = 90
"""Seconds; an app may need some of them to begin."""


def app_image(shop: Workshop, base: str, name: str) -> str:
    """The app's image on the base, built where the engine has no layers of it; its name."""
    image = f"tidegate-app-{name}"
    with shop.client() as client:
        client.images.build(
            path=str(IMAGES),
            dockerfile=f"{name}.Dockerfile",
            tag=image,
            buildargs={"BASE": base},
            network_mode="host" if shop.own else None,
            rm=True,
        )
    return image


@dataclass(frozen=True, slots=True)
class Site:
    host: str
    address: str
    """Where its name leads: Tidegate's container."""
    root: Path
    """The certificate of the authority, PEM."""
    app: Container
    tidegate: Container
    visitor: Container
    """A container on the same network, where clients may stand."""

    @classmethod
    def open(
        cls, town: Town, image: str, name: str, labels: dict[str, str], folder: Path, **options: object
    ) -> Self:
        host = f"{name}.test"
        tidegate = town.tidegate(**HARDENED)
        app = town.create(image, labels=labels, **options)
        app.start()
        root = folder / "root.pem"
        root.write_text(town.issuing_root())
        town.trust(root.read_text())
        address = address_of(tidegate)
        in_time(lambda: town.visit(host, address)["status"] < 500, within=ISSUED_WITHIN)
        return cls(host, address, root, app, tidegate, town.containers[1])

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    def memory(self) -> int:
        """KiB that Tidegate's processes hold (PSS)."""
        return sum(map(proportional, processes(self.tidegate)))

    def log(self) -> str:
        """What Tidegate has said, which is more than a client can tell."""
        return log_of(self.tidegate)
