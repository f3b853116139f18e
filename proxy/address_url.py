"""Address URL: where a middleware asks, written as a URL."""

from __future__ import annotations

from dataclasses import field
from urllib.parse import urlsplit

from proxy.authority import parse_authority, url_host
from proxy.frozen import frozen
from proxy.shunned import Shunned
from proxy.values import Unfit
from proxy.visitor import DEFAULT_PORT


@frozen
class AddressURL:
    """An http URL without user name and fragment; `shunned` is where it must not lead."""

    scheme: str
    host: str
    port: int
    target: str
    shunned: Shunned | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> AddressURL:
        try:
            parts = urlsplit(text)
            if (
                parts.scheme not in DEFAULT_PORT
                or parts.fragment
                or not text.isascii()
                or not text.isprintable()
            ):
                raise ValueError
            host, port = parse_authority(parts.netloc)
        except ValueError:
            raise Unfit("a URL such as http://auth:9091/check", text) from None
        query = f"?{parts.query}" if parts.query else ""
        return cls(parts.scheme, host, port or DEFAULT_PORT[parts.scheme], (parts.path or "/") + query)

    @property
    def authority(self) -> str:
        port = "" if self.port == DEFAULT_PORT[self.scheme] else f":{self.port}"
        return url_host(self.host) + port

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"
