"""Golden labels: each file has labels, a line of dashes, and the routing or the problems that they make.

A bug report becomes a test by pasting its labels into a new file.  With
TIDEGATE_GOLDEN=write the outcomes are written anew, to be read before they are
committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from discovery.container import SERVING, Container
from discovery.labels import read_container
from discovery.language import Language
from discovery.merge import merge
from discovery.networks import Own
from proxy.certifying import Resolvers
from proxy.model import RoutingConfig

FILES = sorted(Path(__file__).parent.glob("labels/*.txt"))
DASHES = "----------\n"
EVERY = Language(
    dialects=("tidegate", "traefik", "nginx-proxy", "caddy"), resolvers=Resolvers(frozenset({"company"}))
)
OWN = Own(networks=frozenset({"web", "proxy"}), container="f" * 64, host_address="172.17.0.1")


def containers_in(text: str) -> Iterator[Container]:
    """`[name key=value ...]` begins a container, other lines are labels or variables; # begins a comment."""
    blocks: list[tuple[list[str], dict[str, str]]] = []
    for line in text.splitlines():
        if line.startswith("["):
            blocks.append((line.strip("[]").split(), {}))
        elif line.strip() and not line.startswith("#"):
            if not blocks:
                blocks.append((["blog-web-1"], {}))
            label, _, value = line.partition("=")
            blocks[-1][1][label] = value
    for number, (head, labels) in enumerate(blocks):
        yield container(number, head[0], dict(part.split("=", 1) for part in head[1:]), labels)


def container(number: int, name: str, told: dict[str, str], labels: dict[str, str]) -> Container:
    if "compose" in told:
        project, _, service = told["compose"].partition("/")
        labels |= {"com.docker.compose.project": project, "com.docker.compose.service": service}
    names = told.get("networks", "web").split(",")
    return Container(
        id=f"{number:064x}",
        name=name,
        labels={name: value for name, value in labels.items() if name not in SERVING},
        environment={name: value for name, value in labels.items() if name in SERVING},
        networks={each: f"172.{18 + place}.0.{5 + number}" for place, each in enumerate(names) if each},
        exposed=tuple(int(port) for port in told.get("exposed", "80").split(",") if port),
        health=told.get("health", ""),
        network_mode=told.get("mode", "default"),
        created=f"2026-01-01T00:00:{number:02}.000000000",
    )


def outcome(config: RoutingConfig) -> Iterator[str]:
    for router in config.routers.values():
        yield f"router {router.name}: {router.rule}"
        yield f"  service {router.service}"
        for name in ("entrypoints", "middlewares", "domains"):
            if getattr(router, name):
                yield f"  {name} {', '.join(getattr(router, name))}"
        for name in ("priority", "tls"):
            if getattr(router, name) is not None:
                yield f"  {name} {getattr(router, name)}"
        if router.tls_options is not None:
            yield f"  tls options {router.tls_options}"
        if router.resolver not in ("", "auto") or not router.defaults:
            yield f"  resolver {router.resolver or 'of the installation'}, defaults {router.defaults}"
    for service in config.services.values():
        urls = [
            server.url + (f" weight {server.weight}" if server.weight > 1 else "")
            for server in service.servers
        ]
        yield f"service {service.name}: {', '.join(urls) or 'no server'}"
        if not service.pass_host_header:
            yield "  host header replaced"
        if service.how:
            yield f"  {service.how}"
        if service.starting:
            yield "  starting"
    for name, middleware in config.middlewares.items():
        yield f"middleware {name}: {middleware}"
    for problem in config.problems:
        yield f"{problem.severity} {problem}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_labels_make_what_the_file_says(path: Path) -> None:
    labels, dashes, expected = path.read_text().partition(DASHES)
    fragments = [read_container(each, OWN, language=EVERY) for each in containers_in(labels)]
    made = "\n".join(outcome(merge(each for each in fragments if each))) + "\n"
    if os.environ.get("TIDEGATE_GOLDEN") == "write":
        path.write_text(labels + DASHES + made)
        return
    assert dashes, "there is no line of dashes"
    assert made == expected


def test_there_are_golden_files() -> None:
    assert len(FILES) >= 25
