"""Gateways: addresses that may stand for many, as the kernel's routes show them (proc(5), /proc/net/route).

Docker's userland proxy connects from its bridge's address, and a router at home
from its own where it rewrites who asks.  Both are the way out of their network,
or its first address.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from pathlib import Path

from proxy.exchange import IPAddress

ROUTES, ROUTES6 = Path("/proc/net/route"), Path("/proc/net/ipv6_route")


def is_gateway(address: IPAddress) -> bool:
    """Whether somebody else may ask from this address; also where the routes cannot be read.  Blocks."""
    try:
        return address in gateways_of(ROUTES.read_text()) or (
            address.version == 6 and address in gateways6_of(ROUTES6.read_text())
        )
    except (OSError, ValueError):
        return True


def gateways_of(table: str) -> set[IPAddress]:
    """The gateways of /proc/net/route, and the first address of each network that is there itself."""
    found: set[IPAddress] = set()
    for line in table.splitlines()[1:]:
        fields = line.split()
        target, gateway, mask = (_address(fields[at]) for at in (1, 2, 7))
        if int(gateway):
            found.add(gateway)
        elif int(mask):
            network = IPv4Network((int(target), int(mask).bit_count()), strict=False)
            found.add(network.network_address + (1 if network.prefixlen < 32 else 0))
    return found


def _address(text: str) -> IPv4Address:
    return IPv4Address(int.from_bytes(bytes.fromhex(text), "little"))


def gateways6_of(table: str) -> set[IPAddress]:
    """The gateways of /proc/net/ipv6_route, and the first address of each network that is there itself."""
    found: set[IPAddress] = set()
    for line in table.splitlines():
        target, length, _, _, gateway, *_ = line.split()
        if int(gateway, 16):
            found.add(ip_address(int(gateway, 16)))
        elif 0 < int(length, 16) < 127:
            found.add(IPv6Address(int(target, 16)) + 1)
    return found
