"""Networks: which address of a container the proxy can reach."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address

from discovery.container import Container
from proxy.cloud_address import is_cloud_address
from proxy.frozen import frozen

LOOPBACK = "127.0.0.1"
HOST = "host"

_OWN_FILE = re.compile(
    r" \S*?/([0-9a-f]{64})/(?:userdata/)?(?:hostname|hosts|resolv\.conf)"
    r" /etc/(?:hostname|hosts|resolv\.conf) "
)
_OWN_CGROUP = re.compile(r"(?:docker[-/]|libpod[-/]|/)([0-9a-f]{64})(?:\.scope)?$", re.MULTILINE)


@frozen
class Own:
    """Where the proxy itself stands, as far as reaching containers goes.

    `networks` are those it can reach an address of: its own container's, or on
    the host every bridge.  `host_address` is where a container with
    `network_mode: host` answers it.  `stands_in` is the container whose network
    it uses, or HOST; empty where that is not known.
    """

    networks: frozenset[str] = frozenset()
    container: str = ""
    host_address: str = LOOPBACK
    stands_in: str = HOST


@frozen
class Unreachable:
    """Why no address of a container can be used, and what its owner can do."""

    why: str


@frozen
class Wish:
    """The network that a container has to be reached by, and the one to prefer where it is on several.

    A `soft` wish gives way where it cannot be: Traefik's labels name a network
    of Traefik's own.
    """

    wanted: str = ""
    preferred: str = ""
    soft: bool = False


ANY = Wish()


def address_of(
    container: Container, own: Own, wish: Wish = ANY, others: Mapping[str, Container] | None = None
) -> str | Unreachable:
    """The address to send the container's requests to.

    With several usable networks the first by name is taken, always the same
    one: an address that changes with each start is an error that nobody finds.
    """
    joined = joined_by(container, others or {})
    if joined is None:
        return Unreachable(f"It uses the network of container {container.joined[:12]}, which is not running.")
    if joined.network_mode == "host":
        return own.host_address
    name = _choose(joined, own, wish)
    if isinstance(name, Unreachable):
        return name
    return _allowed(joined.networks[name], name)


def reach(
    container: Container, own: Own, wish: Wish, others: Mapping[str, Container] | None = None
) -> str | Unreachable:
    """`address_of`, by another network where a soft wish cannot be fulfilled."""
    found = address_of(container, own, wish, others)
    if isinstance(found, Unreachable) and wish.wanted and wish.soft:
        instead = address_of(container, own, replace(wish, wanted=""), others)
        return instead if isinstance(instead, str) else found
    return found


def several_shared(container: Container, own: Own, others: Mapping[str, Container]) -> list[str]:
    """The networks to choose from, the one that is used first; empty where there is no choice."""
    joined = joined_by(container, others)
    if joined is None or joined.network_mode == "host":
        return []
    shared = _shared(joined, own)
    return shared if len(shared) > 1 else []


def _shared(container: Container, own: Own) -> list[str]:
    return sorted(name for name, address in container.networks.items() if name in own.networks and address)


def joined_by(container: Container, others: Mapping[str, Container]) -> Container | None:
    """The container whose network this one uses: itself, or x for `network_mode: container:x`."""
    seen = {container.id}
    while container.joined:
        wanted = container.joined
        found = others.get(wanted) or next((other for other in others.values() if other.name == wanted), None)
        if found is None or found.id in seen or not found.running:
            return None
        container = found
        seen.add(container.id)
    return container


def _choose(container: Container, own: Own, wish: Wish) -> str | Unreachable:
    if wish.wanted:
        return _named(container, own, wish.wanted)
    if shared := _shared(container, own):
        return wish.preferred if wish.preferred in shared else shared[0]
    return Unreachable(
        f"It shares no network with Tidegate: it is on {_listed(container.networks)}, "
        f"Tidegate {'is on' if own.container else 'reaches'} {_listed(own.networks)}. "
        "Attach both to one network."
    )


def _named(container: Container, own: Own, wanted: str) -> str | Unreachable:
    """The network that the label names; compose puts the project's name before a network's own."""
    spellings = [wanted, *([f"{container.project}_{wanted}"] if container.project else [])]
    name = next((spelling for spelling in spellings if spelling in container.networks), None)
    if name is None:
        return Unreachable(f'It is not on a network "{wanted}", only on {_listed(container.networks)}.')
    if name not in own.networks:
        return Unreachable(
            f'Tidegate is not on the network "{name}", only on {_listed(own.networks)}. '
            "Attach Tidegate to it or name another one."
        )
    return name


def _allowed(address: str, network: str) -> str | Unreachable:
    """The address, unless a request there could reach something that is not the container.

    Loopback is the proxy's own machine, link-local one where clouds answer with
    credentials.
    """
    if not address:
        return Unreachable(f'It has no address on the network "{network}" yet.')
    try:
        ip = ip_address(address)
    except ValueError:
        return Unreachable(f'The engine gives no usable address on the network "{network}".')
    if (
        ip.is_loopback
        or ip.is_link_local
        or is_cloud_address(address)
        or ip.is_unspecified
        or ip.is_multicast
    ):
        return Unreachable(f"Its address {address} is not one that Tidegate sends requests to.")
    return address


def own_id(mountinfo: str, cgroup: str, hostname: str, known: Collection[str]) -> str:
    """The id of the container that the proxy runs in, empty when it runs on the host.

    The mounts that an engine puts over /etc/hostname and its kin name the
    container whatever its host name, cgroup version or network mode.  On the
    host itself mountinfo lists other containers' directories too, but never
    mounted there.  Only an id that this engine knows counts: inside somebody
    else's container (a CI runner) the proxy is a stranger to it.
    """
    candidates = [match[1] for match in _OWN_FILE.finditer(mountinfo)]
    candidates += [match[1] for match in _OWN_CGROUP.finditer(cgroup)]
    found = next((candidate for candidate in candidates if candidate in known), None)
    if found:
        return found
    if re.fullmatch(r"[0-9a-f]{12}", hostname):
        return next((full for full in known if full.startswith(hostname)), "")
    return ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names)) or "none"
