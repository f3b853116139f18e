"""Request heads for tests, with everything but what matters filled in."""

from __future__ import annotations

from ipaddress import ip_address

from proxy.exchange import RequestHead


def head(
    target: str = "/",
    host: str = "example.com",
    *fields: tuple[str, str],
    method: str = "GET",
    client: str = "192.0.2.1",
    scheme: str = "http",
) -> RequestHead:
    return RequestHead(
        method=method, target=target, fields=fields, host=host, client_ip=ip_address(client), scheme=scheme
    )
