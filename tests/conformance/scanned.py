"""A scanned head for tests, made from what a conformance case states."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from proxy.exchange import Fields, RequestHead
from proxy.headers import TrustedProxies, received

CLIENT = "192.0.2.1"
ALL = TrustedProxies((ip_network("0.0.0.0/0"), ip_network("::/0")))
NOBODY = TrustedProxies()


@dataclass(frozen=True)
class Scanned:
    target: str
    fields: Fields
    method: str = "GET"
    http10: bool = False


def receive(
    target: str,
    host: str,
    fields: list[list[str]] | None = None,
    *,
    method: str = "GET",
    client: str = CLIENT,
    tls: bool = False,
    trusted: TrustedProxies = NOBODY,
) -> RequestHead:
    lines: Any = (("Host", host), *((name, value) for name, value in fields or []))
    port = 443 if tls else 80
    return received(
        Scanned(target, lines, method), peer=ip_address(client), tls=tls, local_port=port, trusted=trusted
    )


def receive_url(url: str, fields: list[list[str]] | None = None, **rest: Any) -> RequestHead:
    """What arrives when a client asks for an absolute URL."""
    scheme, _, after = url.partition("://")
    cut = min((after.find(mark) % (len(after) + 1) for mark in "/?"), default=len(after))
    host, target = after[:cut], after[cut:]
    target = target if target.startswith("/") else "/" + target
    return receive(target, host, fields, tls=scheme == "https", **rest)
