"""Visitor: who asks, by which name and scheme, as far as that is known.

Only a trusted proxy's word counts, and of a chain of addresses only the part
that trusted proxies have vouched for.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from proxy.authority import parse_authority
from proxy.exchange import Fields, IPAddress, get
from proxy.frozen import frozen
from proxy.values import IPNetwork

DEFAULT_PORT = {"http": 80, "https": 443}
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_WITH_PORT = re.compile(r"([0-9.]{7,15}):[0-9]{1,5}|\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?")


@frozen
class TrustedProxies:
    """The networks whose word about the visitor counts."""

    networks: tuple[IPNetwork, ...] = ()

    def __contains__(self, address: IPAddress) -> bool:
        return any(address in network for network in self.networks)


@frozen
class Visitor:
    """Who asks, as far as it is known."""

    address: IPAddress
    scheme: str
    authority: str
    port: int


def visitor_of(
    said: Fields, peer: IPAddress, tls: bool, authority: str, local_port: int, trusted: TrustedProxies
) -> Visitor:
    """The visitor, from what a trusted peer said (nothing where the peer is not trusted)."""
    proto = (
        get(said, "X-Forwarded-Proto").rpartition(",")[2].strip().lower()
    )  # the last is the peer's own word
    scheme = _SCHEMES.get(proto, "https" if tls else "http")
    shown = get(said, "X-Forwarded-Host")
    shown = shown if _is_authority(shown) else authority
    port = _port(get(said, "X-Forwarded-Port")) or _port(shown.rpartition("]")[2].partition(":")[2])
    default = DEFAULT_PORT[scheme] if authority or proto in _SCHEMES else local_port
    return Visitor(_visitor_address(said, peer, trusted), scheme, shown, port or default)


def _visitor_address(said: Fields, peer: IPAddress, trusted: TrustedProxies) -> IPAddress:
    """The last address in the chain that no trusted proxy has; what stands before it is hearsay."""
    if not said:
        return peer
    chain = get(said, "X-Forwarded-For") or get(said, "X-Real-Ip")
    address = peer
    for text in reversed(chain.split(",")):
        named = _address(text.strip())
        if named is None:
            break
        address = named
        if named not in trusted:
            break
    return address


def plain_address(address: IPAddress) -> IPAddress:
    """IPv4 that arrives at an IPv6 socket is IPv4: lists of networks must know it."""
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _address(text: str) -> IPAddress | None:
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        return plain_address(ip_address(text))
    except ValueError:
        return None


def _is_authority(text: str) -> bool:
    try:
        return bool(parse_authority(text))
    except ValueError:
        return False


def _port(text: str) -> int | None:
    return (
        int(text) if text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536 else None
    )


def forwarded(visitor: Visitor) -> str:
    """RFC 7239 4: what holds a colon stands in quotes."""
    address = f'"[{visitor.address}]"' if visitor.address.version == 6 else str(visitor.address)
    host = f'"{visitor.authority}"' if ":" in visitor.authority else visitor.authority
    return f"for={address};" + (f"host={host};" if host else "") + f"proto={visitor.scheme}"
