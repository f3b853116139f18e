"""IP strategy: which address counts as the client's, for middlewares that count or judge clients."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from proxy.exchange import IPAddress, RequestHead
from proxy.schema import IPNetwork, option, options


@options
class IPStrategy:
    """Choose another address than the visitor's own.

    Behind a proxy it is simpler to name that proxy in --trusted-proxies: then the
    visitor's address is known everywhere.
    """

    depth: int = option(
        doc="The n-th address from the right of X-Forwarded-For, as it came; 0 leaves it alone.",
        example="1",
        default=0,
    )
    excluded_ips: tuple[IPNetwork, ...] = option(
        doc="The first address from the right of X-Forwarded-For that is in none of these networks.",
        example="10.0.0.0/8, 192.168.1.7",
        default=(),
    )
    ipv6_subnet: int | None = option(
        doc="Take IPv6 clients of one network of this size for one client.", example="64", default=None
    )

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise ValueError("depth counts from 1; 0 means not at all.")
        if self.ipv6_subnet is not None and not 0 < self.ipv6_subnet <= 128:
            raise ValueError("ipv6Subnet is a prefix length between 1 and 128.")

    def client(self, request: RequestHead) -> IPAddress | None:
        """The address; None where X-Forwarded-For has no such one."""
        address = self._address(request)
        if isinstance(address, IPv6Address) and self.ipv6_subnet:
            return ip_network((address, self.ipv6_subnet), strict=False).network_address
        return address

    def _address(self, request: RequestHead) -> IPAddress | None:
        if not self.depth and not self.excluded_ips:
            return request.client_ip
        chain = _as_it_came(request)
        if self.depth:
            return chain[-self.depth] if self.depth <= len(chain) else None
        for address in reversed(chain):
            if address is None or not any(address in network for network in self.excluded_ips):
                return address
        return None


def _as_it_came(request: RequestHead) -> list[IPAddress | None]:
    """The chain without the peer, whom we have put at its end ourselves."""
    return [_parse(text) for text in request.get("X-Forwarded-For").split(",")][:-1]


def _parse(text: str) -> IPAddress | None:
    try:
        return ip_address(text.strip())
    except ValueError:
        return None
