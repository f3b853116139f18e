"""Model: what can be served.  Discovery fills it in, the proxy serves it.

Names of routers, services and middlewares are qualified: `blog@docker`,
`nas@file`.  A reference without `@` was resolved by whoever built the config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from proxy.balancing import Balanced, StickyCookie
from proxy.exchange import Middleware
from proxy.frozen import frozen
from proxy.problem import Problem
from proxy.reaching import Transport
from proxy.status_range import StatusRange
from proxy.tls_options import TLSOptions


@frozen
class Server:
    """One address of a service.

    `owner` is the container id (or the route file): a pooled connection
    belongs to one owner and dies with it, because an address is given to the
    next container at once.
    """

    owner: str
    address: str
    port: int
    scheme: str = "http"
    weight: int = 1
    transport: Transport | None = None
    path: str = ""
    """Stands before the path of each request."""

    @property
    def url(self) -> str:
        if self.is_socket:
            return f"unix://{self.address}"
        return f"{self.scheme}://{self.host}{self.path}"

    @property
    def host(self) -> str:
        """The host as a server is called that has no name, with its port."""
        if self.is_socket:
            return "localhost"
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @property
    def is_socket(self) -> bool:
        """Its address is a file of this machine."""
        return self.address.startswith("/")


@frozen
class Service:
    """A named group of servers that answer alike.  Without servers it answers 503.

    `how` None means that they take turns.  A service made of others names them
    there; in a table it has them, and all of their servers.  `starting` says
    that some server is expected soon.
    """

    name: str
    servers: tuple[Server, ...] = ()
    pass_host_header: bool = True
    how: How | None = None
    starting: bool = False
    transport: str | Transport | None = None
    """How its servers are connected to, or the name of that; in a table each server has it."""

    @property
    def is_leaf(self) -> bool:
        """It has servers of its own."""
        return not isinstance(self.how, Weighted | Failover | Mirrored)


@frozen
class Part:
    """A service that another one is made of, by its name; `service` once that is looked up."""

    name: str
    weight: int = 1
    service: Service | None = None


@frozen
class Weighted:
    """Each part has its share of the requests: they take turns, or the visitor's address decides."""

    parts: tuple[Part, ...]
    sticky: StickyCookie | None = None
    hashed: bool = False


@frozen
class Failover:
    """The first part that has a server that is up; the second one also where the first answers with one of
    these statuses."""

    parts: tuple[Part, ...]
    statuses: tuple[StatusRange, ...] = ()
    most: int = 4 << 20
    """Bytes of content; a request with more is asked of one part only."""


@frozen
class Mirrored:
    """The first part answers; the others get copies of so many of a hundred requests as is their weight."""

    parts: tuple[Part, ...]
    with_content: bool = True
    most: int = 4 << 20
    """Bytes of content; a request with more is not copied."""


How: TypeAlias = Balanced | Weighted | Failover | Mirrored


@frozen
class Router:
    """What a user declares: which requests, through which middlewares, to which service.

    `entrypoints` empty means the installation's defaults.  `tls` None means
    automatic: HTTPS on every TLS entrypoint it is attached to, and a redirect
    there from its plain ones (from the usual plain ones, where it names only
    TLS entrypoints); a router that names only plain entrypoints, or says `tls`
    False, is served in the clear.  `origin` says who declared it,
    for people.  `middlewares` that the config does not hold make it answer 503:
    it is never served without them.  `defaults` says whether those of its
    entrypoints come first.  `resolver` is how its names get certificates:
    "internal" from Tidegate's own authority; "auto" as the name decides; another
    name, those of that resolver; "" where the router says nothing.
    """

    name: str
    rule: str
    service: str
    entrypoints: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    priority: int | None = None
    tls: bool | None = None
    origin: str = ""
    defaults: bool = True
    resolver: str = ""
    domains: tuple[str, ...] = ()
    """Names to have certificates for beside those of the rule: `*.example.com`."""
    tls_options: str | TLSOptions | None = None
    """What handshakes for its hosts take and ask for, or the name of that; None where it says nothing."""


@frozen
class Withheld:
    """A router that is not served but asked for TLS options: what it said of its hosts still counts there.

    `rule` is as it was written, readable or not; `tls_options` None means that nobody knows which it meant.
    """

    name: str
    rule: str
    origin: str
    tls_options: str | TLSOptions | None = None


def withheld(*routers: Router) -> tuple[Withheld, ...]:
    """What is left of those that may not be served."""
    return tuple(
        Withheld(each.name, each.rule, each.origin, each.tls_options)
        for each in routers
        if each.tls_options is not None
    )


@frozen
class RoutingConfig:
    """Everything that labels and files ask for at one moment, and what is wrong with it."""

    routers: Mapping[str, Router] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    middlewares: Mapping[str, Middleware] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    broken: frozenset[str] = frozenset()
    """Middlewares that were declared with a mistake: missing from the config, as `problems` says."""
    transports: Mapping[str, Transport] = field(default_factory=dict)
    tls_options: Mapping[str, TLSOptions | None] = field(default_factory=dict)
    """Those with names; None for what was declared with a mistake."""
    closed: Mapping[str, str] = field(default_factory=dict)
    """Hosts that are closed for the time being, each with the middleware that says so before all others."""
    withheld: tuple[Withheld, ...] = ()
    """Routers that were left out, and whose hosts are not to be open for that."""
    resolver: str = "auto"
    """That of hosts of which no router says anything."""


@frozen
class Entrypoint:
    """A listener as routing sees it; `port` is the one that visitors know (None: the scheme's own).

    `default`: routers that name no entrypoint are here.  `usual`: whoever types only a name arrives here
    (None: where it is a default).  `middlewares` come before those of each router that takes defaults.
    """

    name: str
    tls: bool = False
    default: bool = True
    port: int | None = None
    middlewares: tuple[str, ...] = ()
    usual: bool | None = None
