"""Answer: what is said about a request or a container, as values; `text` writes them for people."""

from __future__ import annotations

from datetime import datetime

from proxy.explain import Miss
from proxy.frozen import frozen
from proxy.problem import Problem
from proxy.rehearsal import Step


@frozen
class ServerSeen:
    """A server of the service; `probe` is what a connection just now came to."""

    url: str
    container: str
    state: str
    network: str
    probe: str


@frozen
class CertificateSeen:
    """What a client that names this host gets; `note` says why it is not another one."""

    host: str
    names: tuple[str, ...]
    issuer: str
    not_after: datetime | None
    note: str = ""
    resolver: str = ""
    """The one that its routers name; "" where it has the usual one."""


@frozen
class RequestAnswer:
    """`status` is the proxy's own answer, None where the app's would come back."""

    answer: str
    served: bool
    url: str
    method: str
    client: str
    status: int | None = None
    location: str = ""
    entrypoint: str = ""
    router: str = ""
    rule: str = ""
    origin: str = ""
    tried: tuple[Miss, ...] = ()
    claimants: tuple[str, ...] = ()
    """Containers that ask for the host and do not have it, and why."""
    middlewares: tuple[Step, ...] = ()
    defaults: tuple[str, ...] = ()
    """Those of the middlewares that are the installation's defaults."""
    lane: str = ""
    because: str = ""
    service: str = ""
    servers: tuple[ServerSeen, ...] = ()
    certificate: CertificateSeen | None = None
    problems: tuple[Problem, ...] = ()
    then: RequestAnswer | None = None
    """What becomes of the client that follows the redirect."""


@frozen
class ContainerSeen:
    name: str
    id: str
    image: str
    state: str
    health: str
    networks: tuple[str, ...]
    asks: tuple[str, ...]
    """Its routers as its labels ask for them."""
    routes: tuple[str, ...]
    hindrances: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    servers: tuple[ServerSeen, ...] = ()
    """Where its routes send requests, tried just now."""
    failures: tuple[str, ...] = ()
    """What keeps its visitors from it though it has a route."""

    @property
    def served(self) -> bool:
        return bool(self.routes) and not self.failures


@frozen
class ContainerAnswer:
    answer: str
    served: bool
    containers: tuple[ContainerSeen, ...] = ()
