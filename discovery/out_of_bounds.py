"""Out of bounds: addresses that no label may have requests sent to.

Labels come with images.  They must not lead to what trusts this machine: the
engine's API, Tidegate's own listeners, a cloud's metadata.  Route files may;
who writes those owns the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from discovery.container import Container
from discovery.networks import HOST, Own, joined_by
from proxy.address_url import AddressURL
from proxy.cloud_address import is_cloud_address
from proxy.option import is_options, options_of

ENGINE = "the engine's API"
DASHBOARD = "Tidegate's own dashboard"
ITSELF = "Tidegate itself"
CLOUD = "where clouds hand out credentials"
_THIS_MACHINE = ("localhost", "host.docker.internal", "host.containers.internal", "gateway.docker.internal")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the installation's own things listen: ports, 0 for none, and an engine that is asked by TCP."""

    entrypoints: frozenset[int] = frozenset()
    dashboard: int = 0
    engine: tuple[str, int] = ("", 0)

    def server(
        self, address: str, port: int, container: Container, own: Own, others: Mapping[str, Container]
    ) -> str:
        """What a container's labels would have requests sent to, "" for an app."""
        if self._is_engine(address, port) or self._is_engine(container.name, port):
            return ENGINE
        if self._is_engine(container.compose_service, port):
            return ENGINE
        joined = joined_by(container, others)
        if joined is None or own.stands_in != (HOST if joined.network_mode == HOST else joined.id):
            return ""
        if port == self.dashboard and container.id != own.container:  # whose labels only the owner writes
            return DASHBOARD
        if port in self.entrypoints:
            return ITSELF
        return ENGINE if port == self.engine[1] and _is_this_machine(self.engine[0]) else ""

    def url(self, url: AddressURL) -> str:
        """The same of a URL that a middleware asks; a public name of Tidegate's own is all right."""
        if is_cloud_address(url.host):
            return CLOUD
        if self._is_engine(url.host, url.port):
            return ENGINE
        if not _is_this_machine(url.host):
            return ""
        if url.port == self.dashboard:
            return DASHBOARD
        return ENGINE if url.port == self.engine[1] and _is_this_machine(self.engine[0]) else ""

    def _is_engine(self, host: str, port: int) -> bool:
        return bool(host) and self.engine == (host.lower(), port)


NO_BOUNDS = Bounds()


def engine_of(url: str) -> tuple[str, int]:
    """The engine's host and port; nothing where it is asked by a socket or another way."""
    if not url.startswith(("tcp://", "http://", "https://")):
        return "", 0
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.port or 2375
    except ValueError:
        return "", 0


def urls_named(options: object) -> list[AddressURL]:
    """Whom the middleware asks."""
    names = options_of(type(options)) if is_options(type(options)) else ()
    return [value for name in names if isinstance(value := getattr(options, name), AddressURL)]


def _is_this_machine(host: str) -> bool:
    name = host.lower().rstrip(".")
    if name in _THIS_MACHINE or name.endswith(".localhost"):
        return True
    try:
        ip = ip_address(name)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback or ip.is_unspecified
