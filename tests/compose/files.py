"""The compose files that people copy, and the containers that compose would make of them."""

from __future__ import annotations

from pathlib import Path

import yaml

from discovery.container import Container
from tidegate.composefile.imagined import Imagined, all_imagined
from tidegate.composefile.nodes import Place
from tidegate.composefile.project import load

COMPOSE = Path(__file__).parents[2] / "compose"
FILES = sorted(
    file for kind in ("installations", "logins", "apps") for file in (COMPOSE / kind).glob("*.yaml")
)
APPS = [file for file in FILES if file.parent.name == "apps"]
SUBNET = "172.28.0.0/24"
"""That of the network `front` in all of them."""


def name(file: Path) -> str:
    return str(file.relative_to(COMPOSE))


def document(file: Path) -> dict:
    return yaml.safe_load(file.read_text())


def made_of(file: Path) -> list[Imagined]:
    def wrong(place: Place, what: str, consequence: str) -> None:
        raise AssertionError(f"{place}: {what}")

    return all_imagined([load([file], {}, wrong)])


def with_labels(file: Path) -> list[Container]:
    containers = [each.container for each in made_of(file)]
    return [each for each in containers if any(label.startswith("tidegate.") for label in each.labels)]
