"""Rows: what the status shows of one thing each, as values."""

from __future__ import annotations

from datetime import datetime

from proxy.frozen import frozen


@frozen
class EntrypointRow:
    """A listener; `port` is the one that visitors use."""

    name: str
    address: str
    port: int
    tls: bool = False


@frozen
class ServerRow:
    url: str
    owner: str
    state: str


@frozen
class ServiceRow:
    name: str
    servers: tuple[ServerRow, ...]
    routers: tuple[str, ...]


@frozen
class CertificateRow:
    host: str
    state: str
    issuer: str
    not_after: datetime | None
    next_try: datetime | None
    last_error: str
    findings: tuple[str, ...] = ()
    """What a look before the order has shown."""
    renew_at: datetime | None = None


@frozen
class AuthorityRow:
    """An ACME authority that is asked; `next_try` and `last_error` are set while it is out of order."""

    directory: str
    next_try: datetime | None
    last_error: str


@frozen
class RouteRow:
    """A router as its owner knows it: where it is reached, and who answers.

    `urls` are where it is served, `redirects` from where it sends people there;
    `more` is the rule when these do not say all of it.
    """

    router: str
    rule: str
    more: str
    urls: tuple[str, ...]
    redirects: tuple[str, ...]
    entrypoints: tuple[str, ...]
    service: str
    servers: tuple[ServerRow, ...]
    middlewares: tuple[str, ...]
    action: str
    reason: str
    origin: str
    certificates: tuple[CertificateRow, ...]
    defaults: tuple[str, ...] = ()
    """Middlewares that the installation has put before its own, on some entrypoint."""


@frozen
class EngineRow:
    up: bool
    what: str
