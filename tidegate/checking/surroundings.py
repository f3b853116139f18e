"""Surroundings: what the service that runs Tidegate lacks in its compose file, where that is certain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tidegate.addresses import Address
from tidegate.checking.finding import Finding
from tidegate.checking.told import Told
from tidegate.composefile.imagined import image_name
from tidegate.settings import Settings

SOCKET = "/var/run/docker.sock"
DATA = Path("/data")
"""The image's own, where no setting says another."""
WAYS_IN = frozenset(
    (
        "cloudflared",
        "tailscale",
        "newt",
        "ngrok",
        "frpc",
        "gluetun",
        "wireguard",
        "traefik",
        "caddy",
        "haproxy",
    )
)
"""Images of tunnels and other proxies, by which visitors come where no port is published."""


def surroundings(told: Told) -> Iterator[Finding]:
    # Without an image it is the part of a service whose other part stands in another file.
    if told.settings is not None and told.whole and told.own.service.image:
        yield from _engine(told, told.settings)
        yield from _port(told, told.settings)
        yield from _data(told, told.settings)


def _finding(told: Told, what: str, now: str) -> Finding:
    service = told.own.service
    return Finding(service.place, "warning", service.name, what, now)


def _engine(told: Told, settings: Settings) -> Iterator[Finding]:
    service = told.own.service
    asked = settings.docker is not None or "DOCKER_HOST" in told.own.variables
    api_socket = any(key.text in ("use_api_socket", "volumes_from") for key in service.unknown)
    mounted = any(mount.target.endswith(".sock") or _leads(mount.target, SOCKET) for mount in service.volumes)
    if not (asked or api_socket or mounted):
        what = f"The engine's socket is not there. Write below volumes: - {SOCKET}:{SOCKET}:ro"
        yield _finding(told, what, "No container is seen, and so no label.")


def _port(told: Told, settings: Settings) -> Iterator[Finding]:
    service = told.own.service
    images = {image_name(each.image) for each in told.own.project.services.values()}
    by_another_way = not service.ports and not images.isdisjoint(WAYS_IN)
    if service.network_mode is not None or by_another_way or not isinstance(settings.websecure, Address):
        return
    port = settings.websecure.port
    if port and not any(each.target == port and each.protocol == "tcp" for each in service.ports):
        what = f"Port {port}, where HTTPS is served, is not published. Write below ports: - 443:{port}"
        yield _finding(
            told, what, "From outside nobody comes here over HTTPS, but by another proxy or a tunnel."
        )


def _data(told: Told, settings: Settings) -> Iterator[Finding]:
    service, data = told.own.service, str(settings.data or DATA)
    others = any(key.text == "volumes_from" for key in service.unknown)
    kept = any(_leads(mount.target, data) and mount.source for mount in service.volumes)
    if not others and not kept and data.startswith("/"):
        what = f"{data} is on no volume. Write below volumes: - tidegate:{data}"
        what += " and at the end of the file volumes: {tidegate: }"
        now = "Certificates and accounts go with the container, and authorities give only so many a week."
        yield _finding(told, what, now)


def _leads(target: str, path: str) -> bool:
    """Whether what is mounted there has the path; /var/run is /run in most images."""
    names = (path, path.replace("/var/run/", "/run/"))
    return any(PurePosixPath(name).is_relative_to(PurePosixPath(target)) for name in names)
