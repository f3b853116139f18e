"""Rows: what the status shows of one thing each, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class EntrypointRow:
    """A listener; `port` is the one that visitors use."""

    name: str
    address: str
    port: int
    tls: bool = False


@dataclass(frozen=True, slots=True)
class ServerRow:
    url: str
    owner: str
    state: str


@dataclass(frozen=True, slots=True)
class ServiceRow:
    name: str
    servers: tuple[ServerRow, ...]
    routers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class AuthorityRow:
    """An ACME authority that is asked; `next_try` and `last_error` are set while it is out of order."""

    directory: str
    next_try: datetime | None
    last_error: str


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class EngineRow:
    up: bool
    what: str
