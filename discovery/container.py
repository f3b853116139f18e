"""Container: what we keep of `inspect`, the one place that knows its shape.

The engine's answers are foreign data: every missing or odd part becomes an
empty value here, so that one strange container can never stop the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from proxy.frozen import frozen

COMPOSE = "com.docker.compose."
SERVING = frozenset({
    "VIRTUAL_HOST", "VIRTUAL_PORT", "VIRTUAL_PROTO", "VIRTUAL_PATH", "VIRTUAL_DEST", "VIRTUAL_ROOT",
    "VIRTUAL_HOST_MULTIPORTS", "HTTPS_METHOD", "HSTS", "SSL_POLICY", "CERT_NAME", "NETWORK_ACCESS",
    "SERVER_TOKENS",
})  # fmt: skip
"""The variables by which nginx-proxy is told of a container."""

_HEALTH_IN_STATUS = re.compile(r"\((healthy|unhealthy|health: starting)\)")


@frozen
class Glance:
    """What a container list tells of a container that can change while it exists.

    The list costs one call for all containers; only one whose glance differs
    from what is known has to be inspected.
    """

    name: str
    state: str
    health: str
    networks: Mapping[str, str]


@frozen
class Listed:
    """One entry of the container list."""

    id: str
    glance: Glance
    labels: Mapping[str, str]


@frozen
class Container:
    """One container as routing sees it.

    `health` is empty where the image has no HEALTHCHECK.  `networks` maps the
    name of each network to the container's address there, empty while it has
    none.  `environment` holds the variables that say how to be served, and
    nothing else: others may be secrets.  `exposed` are the TCP ports that the image or the user declared, low
    to high.  `created` and `started` are the engine's own timestamps; they are
    only compared with each other.
    """

    id: str
    name: str
    image: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    gateways: Mapping[str, str] = field(default_factory=dict)
    exposed: tuple[int, ...] = ()
    state: str = "running"
    health: str = ""
    network_mode: str = "default"
    created: str = ""
    started: str = ""
    stop_signal: str = "SIGTERM"
    stop_timeout: int = 10

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def running_and_ready(self) -> bool:
        """It may get requests: a HEALTHCHECK that has not passed yet says that it must not."""
        return self.running and self.health in ("", "healthy")

    @property
    def project(self) -> str:
        return self.labels.get(f"{COMPOSE}project", "")

    @property
    def compose_service(self) -> str:
        return self.labels.get(f"{COMPOSE}service", "")

    @property
    def one_off(self) -> bool:
        """Made by `compose run`: it carries its service's labels but is not the service."""
        return self.labels.get(f"{COMPOSE}oneoff", "").lower() == "true"

    @property
    def app(self) -> str:
        """The name that all replicas share: `service_project` of compose, else the container's own."""
        if self.project and self.compose_service:
            return f"{self.compose_service}_{self.project}"
        return self.name

    @property
    def joined(self) -> str:
        """The id or name of the container whose network this one uses, else empty."""
        return self.network_mode.partition("container:")[2]

    @property
    def glance(self) -> Glance:
        return Glance(self.name, self.state, self.health, self.networks)

    def looks_like(self, glance: Glance) -> bool:
        """Whether that is its own; without making one, for a list has ten thousand of them."""
        return (
            self.name == glance.name
            and self.state == glance.state
            and self.health == glance.health
            and self.networks == glance.networks
        )

    def without_network(self, name: str) -> Container:
        return replace(self, networks={key: ip for key, ip in self.networks.items() if key != name})


def from_inspect(answer: Mapping[str, Any]) -> Container:
    """The container that `GET /containers/{id}/json` describes."""
    config = _mapping(answer.get("Config"))
    state = _mapping(answer.get("State"))
    settings = _mapping(answer.get("NetworkSettings"))
    attached = _mapping(settings.get("Networks"))
    declared = {*_mapping(config.get("ExposedPorts")), *_mapping(settings.get("Ports"))}
    return Container(
        id=_text(answer.get("Id")),
        name=_text(answer.get("Name")).lstrip("/"),
        image=_text(config.get("Image")),
        labels={str(key): _text(value) for key, value in _mapping(config.get("Labels")).items()},
        environment=_environment(config.get("Env")),
        networks={name: _address(attachment) for name, attachment in attached.items()},
        gateways={name: _text(_mapping(attachment).get("Gateway")) for name, attachment in attached.items()},
        exposed=_tcp_ports(declared),
        state=_text(state.get("Status")),
        health=_health(_text(_mapping(state.get("Health")).get("Status"))),
        network_mode=_text(_mapping(answer.get("HostConfig")).get("NetworkMode")),
        created=_timestamp(_text(answer.get("Created"))),
        started=_timestamp(_text(state.get("StartedAt"))),
        stop_signal=_text(config.get("StopSignal")) or "SIGTERM",
        stop_timeout=_count(config.get("StopTimeout"), default=10),
    )


def from_list(entry: Mapping[str, Any]) -> Listed:
    """The container that one entry of `GET /containers/json` describes."""
    names = [str(name).lstrip("/") for name in entry.get("Names") or ()]
    own_names = [name for name in names if "/" not in name]  # "/web/db" is a legacy link to this container
    found = _HEALTH_IN_STATUS.search(_text(entry.get("Status")))
    attached = _mapping(_mapping(entry.get("NetworkSettings")).get("Networks"))
    glance = Glance(
        name=own_names[0] if own_names else "",
        state=_text(entry.get("State")),
        health=_health(found[1].removeprefix("health: ")) if found else "",
        networks={name: _address(attachment) for name, attachment in attached.items()},
    )
    labels = {str(key): _text(value) for key, value in _mapping(entry.get("Labels")).items()}
    return Listed(_text(entry.get("Id")), glance, labels)


def _environment(told: Any) -> dict[str, str]:
    pairs = (str(each).partition("=") for each in told) if isinstance(told, list) else ()
    return {name: value for name, _, value in pairs if name in SERVING}


def _timestamp(text: str) -> str:
    """The engine's time so that text order is time order: Go leaves out final zeros of the fraction."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    return f"{seconds}.{fraction:0<9}" if seconds else ""


def _health(status: str) -> str:
    return "" if status == "none" else status  # "none" stands for: the image has no check


def _address(attachment: Any) -> str:
    """IPv4 first: an engine's IPv6 networks are often not routed to where the proxy is."""
    settings = _mapping(attachment)
    return _text(settings.get("IPAddress")) or _text(settings.get("GlobalIPv6Address"))


def _tcp_ports(declared: set[str]) -> tuple[int, ...]:
    matches = (re.fullmatch(r"([0-9]{1,5})(?:/tcp)?", str(port)) for port in declared)
    return tuple(sorted({int(match[1]) for match in matches if match}))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any, default: int) -> int:
    return value if isinstance(value, int) and value >= 0 else default


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
