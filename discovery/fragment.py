"""Fragment: what one container or one route file asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from discovery.allowed_hosts import EVERYTHING, AllowedHosts, Claimant
from discovery.label_text import ROOT
from proxy.exchange import Middleware
from proxy.frozen import frozen
from proxy.model import Router, Service, Withheld
from proxy.problem import Problem
from proxy.reaching import Transport
from proxy.tls_options import TLSOptions


@frozen
class Fragment:
    """One source's share of the routing, before it meets the others.

    `app` is what replicas have in common, `owner` what a server belongs to,
    `created` orders claims: the oldest keeps what it has.  `broken` names what
    was declared with a mistake: its owner has been told, so a reference to it
    is not a second problem.  `places` says where a router's
    options stand, by its name and the option's.  `root` is what its labels begin
    with, `allowed` who may claim which hosts.
    """

    source: str
    app: str
    owner: str = ""
    project: str = ""
    created: str = ""
    root: str = ROOT
    routers: Mapping[str, Router] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    middlewares: Mapping[str, Middleware] = field(default_factory=dict)
    transports: Mapping[str, Transport] = field(default_factory=dict)
    tls_options: Mapping[str, TLSOptions | None] = field(default_factory=dict)
    withheld: tuple[Withheld, ...] = ()
    broken: frozenset[str] = frozenset()
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    allowed: AllowedHosts = EVERYTHING

    @property
    def claimant(self) -> Claimant:
        return Claimant(self.source, self.project)

    @property
    def comes_first(self) -> str:
        """Why it keeps what others want, too; the services of a file have no age yet."""
        return "comes first" if self.created.isdigit() else "is older"
