"""Out of bounds: addresses that no label may have requests sent to.

Labels come with images.  They must not lead to what trusts this machine: the
engine's API, Tidegate's own listeners, a cloud's metadata.  Route files may;
who writes those owns the machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

from discovery.container import Container
from discovery.networks import HOST, Own, joined_by
from proxy.address_url import AddressURL
from proxy.cloud_address import is_cloud_address
from proxy.frozen import frozen
from proxy.option import is_options, options_of
from proxy.shunned import Shunned
from proxy.visitor import DEFAULT_PORT

T = TypeVar("T")
ENGINE = "the engine's API"
ENGINES_PORT = "the port of the engine's API"
DASHBOARD = "Tidegate's own dashboard"
ITSELF = "Tidegate itself"
ODD = "an address in an odd spelling: write a name, or four decimal numbers such as 192.168.1.5"
CLOUD = "where clouds hand out credentials"
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}")
"""inet_aton's, which every resolver reads as one address of IPv4."""
_THIS_MACHINE = (
    "localhost",
    "localhost.localdomain",
    "ip6-localhost",
    "ip6-loopback",
    "host.docker.internal",
    "host.containers.internal",
    "gateway.docker.internal",
)


@frozen
class Bounds:
    """Where the installation's own things listen: ports, 0 for none, and an engine that is asked by TCP."""

    entrypoints: frozenset[int] = frozenset()
    dashboard: int = 0
    engine: tuple[str, int] = ("", 0)

    def server(
        self, address: str, port: int, container: Container, own: Own, others: Mapping[str, Container]
    ) -> str:
        """What a container's labels would have requests sent to, "" for an app."""
        joined = joined_by(container, others)
        names = [name for each in (container, joined) if each for name in (each.name, each.compose_service)]
        if any(self._is_engine(name, port) for name in (address, *names)):
            return ENGINE
        if joined and joined.network_mode == HOST and port == self.engine[1]:
            return ENGINES_PORT  # the machine has many names and addresses, and may be the engine's by any
        if joined is None or own.stands_in != (HOST if joined.network_mode == HOST else joined.id):
            return ""
        if port == self.dashboard and container.id != own.container:  # whose labels only the owner writes
            return DASHBOARD
        if port in self.entrypoints:
            return ITSELF
        return ENGINE if port == self.engine[1] and _is_this_machine(self.engine[0]) else ""

    def url(self, url: AddressURL) -> str:
        """The same of a URL that a middleware asks; a public name of Tidegate's own is all right.

        What only shows when connecting, `shunned` says.
        """
        if _is_spelled_oddly(url.host):
            return ODD
        if is_cloud_address(url.host):
            return CLOUD
        if self._is_engine(url.host, url.port):
            return ENGINE
        if url.port == self.engine[1] and (
            url.port not in DEFAULT_PORT.values()  # where sites are, and an engine hardly ever
            or (_is_this_machine(url.host) and _is_this_machine(self.engine[0]))
        ):
            return ENGINES_PORT
        return DASHBOARD if url.port == self.dashboard and _is_this_machine(url.host) else ""

    @property
    def shunned(self) -> Shunned:
        """Where no name in such a URL may lead."""
        host, port = self.engine
        here = {self.dashboard, port if _is_this_machine(host) else 0} - {0}
        return Shunned(frozenset(here), host, port)

    def _is_engine(self, host: str, port: int) -> bool:
        return bool(host) and self.engine == (host.lower(), port)


NO_BOUNDS = Bounds()


def engine_of(url: str) -> tuple[str, int]:
    """The engine's host and port; nothing where it is asked by a socket or another way."""
    if not url.startswith(("tcp://", "http://", "https://")):
        return "", 0
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").rstrip("."), parts.port or 2375
    except ValueError:
        return "", 0


def urls_named(options: object) -> list[AddressURL]:
    """Whom the middleware asks."""
    return list(_urls_by_option(options).values())


def shunning(options: T, shunned: Shunned) -> T:
    """The middleware, so that whom it asks is not found there."""
    told = {name: replace(url, shunned=shunned) for name, url in _urls_by_option(options).items()}
    return replace(options, **told) if told else options  # type: ignore[type-var]


def _urls_by_option(options: object) -> dict[str, AddressURL]:
    names = options_of(type(options)) if is_options(type(options)) else ()
    return {name: value for name in names if isinstance(value := getattr(options, name), AddressURL)}


def _is_spelled_oddly(host: str) -> bool:
    """Whether resolvers take it for an address, where nobody would: `127.1`, `0x7f000001`."""
    try:
        ip_address(host)
    except ValueError:
        return _NUMBERS.fullmatch(host.lower()) is not None
    return False


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
