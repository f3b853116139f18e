"""Imagined: the container that compose would make of a service, for the readers that serve."""

from __future__ import annotations

import re
from collections.abc import Mapping

from discovery.container import COMPOSE, SERVING, Container
from discovery.networks import Own
from proxy.frozen import frozen
from tidegate.composefile.project import Project
from tidegate.composefile.service import Service

PROXIES = ("tidegate", "traefik", "caddy-docker-proxy", "nginx-proxy")
"""Images whose service is the proxy, the foremost first: where ours is missing, the one it comes after."""


@frozen
class Imagined:
    """A service with the container that it becomes."""

    project: Project
    service: Service
    container: Container


def imagined(project: Project, number: int, service: Service, ids: Mapping[str, str]) -> Imagined:
    """`ids` are those of the project's containers by their service, for `network_mode: service:x`."""
    name = service.container_name or f"{project.name}-{service.name}-1"
    labels = {label.name: label.meant for label in service.labels.values() if label.name}
    labels |= {f"{COMPOSE}project": project.name, f"{COMPOSE}service": service.name}
    mode = service.network_mode.text if service.network_mode else "default"
    if mode.startswith("service:"):
        mode = f"container:{ids.get(mode[8:], 'unknown')}"
    networks = project.attached(service)
    container = Container(
        id=ids[service.name],
        name=name,
        image=service.image,
        labels=labels,
        environment={each.name: each.meant for each in service.environment.values() if each.name in SERVING},
        networks={
            network: f"10.{number >> 8 & 255}.{number & 255}.{place + 1}"
            for place, network in enumerate(networks)
        },
        exposed=tuple(sorted({*service.expose, *(p.target for p in service.ports if p.protocol == "tcp")})),
        network_mode=mode,
        created=f"{number:09}",
    )
    return Imagined(project, service, container)


def all_imagined(projects: list[Project]) -> list[Imagined]:
    found: list[Imagined] = []
    for project in projects:
        ids = {name: f"{len(found) + place:064x}" for place, name in enumerate(project.services)}
        found += [
            imagined(project, len(found) + place, service, ids)
            for place, service in enumerate(project.services.values())
        ]
    return found


def proxy_of(every: list[Imagined]) -> Imagined | None:
    """The service that is the proxy, None where no file has it."""
    for kind in PROXIES:
        for each in every:
            if image_name(each.service.image) == kind:
                return each
    return next((each for each in every if each.service.name == PROXIES[0]), None)


def is_other_proxy(service: Service) -> bool:
    return image_name(service.image) in PROXIES[1:]


def image_name(image: str) -> str:
    """The last part of its path, without tag and digest."""
    return re.sub(r"[:@].*", "", image.rpartition("/")[2])


def standing(every: list[Imagined], proxy: Imagined | None) -> Own:
    """Which networks the proxy reaches: its own, or all where it is on the machine itself or not shown."""
    everywhere = frozenset(name for each in every for name in each.container.networks)
    if proxy is None:
        return Own(everywhere, stands_in="")  # nobody knows whose ports are Tidegate's
    if proxy.service.host_mode:
        return Own(everywhere, container=proxy.container.id)
    own = proxy.container
    return Own(frozenset(own.networks), container=own.id, stands_in=own.joined or own.id)
