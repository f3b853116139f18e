"""Cloud address: where clouds tell a machine its credentials; no app lives there.

Whoever can make a proxy ask there can read them, so what names lead to is
looked at, whatever the names are.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

_ANSWERING = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google, DigitalOcean, OpenStack and others
            "169.254.170.2",  # AWS, for containers
            "169.254.170.23",
            "fd00:ec2::254",  # AWS over IPv6
            "fd00:ec2::23",
            "fd20:ce::254",  # Google over IPv6
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure's own agent
            "192.0.0.192",  # Oracle, formerly
        ),
    )
)


def is_cloud_address(text: str) -> bool:
    """Whether the address (no name, perhaps with a zone) is one of them."""
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip in _ANSWERING
