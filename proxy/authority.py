"""Authority: the host, and maybe the port, that a client asked for."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.~-]{1,255})(?::(?P<port>[0-9]{0,5}))?")


def parse_authority(text: str) -> tuple[str, int | None]:
    """Host (as `normal_host` writes it) and port of `host`, `host:port`, `[::1]:port`; else ValueError.

    Narrower than RFC 3986 3.2.2: no sub-delimiters, escapes or user names.  No
    site is called so, and apps put the text into links and redirects.
    """
    found = AUTHORITY.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a host")
    port = int(found["port"]) if found["port"] else None
    host = normal_host(found["host"])
    if not host or ".." in host or host.startswith(".") or (port is not None and not 0 < port < 65536):
        raise ValueError(f"{text!r} is not a host")
    return host, port


def normal_host(host: str) -> str:
    """Lower case, without a final dot; IPv6 in its one short form and without brackets."""
    host = host.lower().removesuffix(".")
    if ":" not in host:
        return host
    return str(IPv6Address(host.removeprefix("[").removesuffix("]")))


def url_host(host: str) -> str:
    """The host as URLs and fields have it."""
    return f"[{host}]" if ":" in host else host
