"""Surroundings: what the service that runs Tidegate lacks in its compose file, where that is certain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from tidegate.addresses import Address
from tidegate.checking.finding import Finding
from tidegate.checking.own_service import own_services
from tidegate.checking.reading import Files
from tidegate.checking.told import Told, told
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


def judge_own(files: Files, environ: Mapping[str, str]) -> list[Told]:
    """What the services tell Tidegate that run it; what is wrong with them is put among the findings."""
    services = [told(each) for each in own_services(files.projects, environ)]
    for each in services:
        files.checked.findings += (*each.findings(), *surroundings(each))
    return services


def surroundings(teller: Told) -> Iterator[Finding]:
    # Without an image it is the part of a service whose other part stands in another file.
    if teller.settings is not None and teller.whole and teller.own.service.image:
        yield from _engine(teller, teller.settings)
        yield from _port(teller, teller.settings)
        yield from _data(teller, teller.settings)


def _finding(teller: Told, what: str, now: str) -> Finding:
    service = teller.own.service
    return Finding(service.place, "warning", service.name, what, now)


def _engine(teller: Told, settings: Settings) -> Iterator[Finding]:
    service = teller.own.service
    asked = settings.docker is not None or "DOCKER_HOST" in teller.own.variables
    api_socket = any(key.text in ("use_api_socket", "volumes_from") for key in service.unknown)
    mounted = any(mount.target.endswith(".sock") or _leads(mount.target, SOCKET) for mount in service.volumes)
    if not (asked or api_socket or mounted):
        what = f"The engine's socket is not there. Write below volumes: - {SOCKET}:{SOCKET}:ro"
        yield _finding(teller, what, "No container is seen, and so no label.")


def _port(teller: Told, settings: Settings) -> Iterator[Finding]:
    service = teller.own.service
    images = {image_name(each.image) for each in teller.own.project.services.values()}
    by_another_way = not service.ports and not images.isdisjoint(WAYS_IN)
    if service.network_mode is not None or by_another_way or not isinstance(settings.websecure, Address):
        return
    port = settings.websecure.port
    if port and not any(each.target == port and each.protocol == "tcp" for each in service.ports):
        what = f"Port {port}, where HTTPS is served, is not published. Write below ports: - 443:{port}"
        yield _finding(
            teller, what, "From outside nobody comes here over HTTPS, but by another proxy or a tunnel."
        )


def _data(teller: Told, settings: Settings) -> Iterator[Finding]:
    service, data = teller.own.service, str(settings.data or DATA)
    others = any(key.text == "volumes_from" for key in service.unknown)
    kept = any(_leads(mount.target, data) and mount.source for mount in service.volumes)
    if not others and not kept and data.startswith("/"):
        what = f"{data} is on no volume. Write below volumes: - tidegate:{data}"
        what += " and at the end of the file volumes: {tidegate: }"
        now = "Certificates and accounts go with the container, and authorities give only so many a week."
        yield _finding(teller, what, now)


def _leads(target: str, path: str) -> bool:
    """Whether what is mounted there has the path; /var/run is /run in most images."""
    names = (path, path.replace("/var/run/", "/run/"))
    return any(PurePosixPath(name).is_relative_to(PurePosixPath(target)) for name in names)
