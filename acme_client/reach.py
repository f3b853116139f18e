"""Reach: which of the internal CA's two roots may sign a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal

from acme_client.names import LOCAL_SUFFIXES, read_name, within

Reach = Literal["local", "any"]

ROOT_LEFT = timedelta(days=365)
"""What a root must have left to be used: its leaves end before it."""

PRIVATE_NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",  # RFC 6598; overlay networks give out these
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


def is_local(host: str) -> bool:
    address = read_name(host).address
    if address is not None:
        return any(address in network for network in PRIVATE_NETWORKS if network.version == address.version)
    return within(host.removeprefix("*."), LOCAL_SUFFIXES)


def reach_of(hosts: Sequence[str], *, limited: bool) -> Reach:
    return "local" if limited and all(map(is_local, hosts)) else "any"
