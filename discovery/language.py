"""Language: what an installation says about how labels are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING

from discovery.allowed_hosts import EVERYTHING, AllowedHosts
from discovery.constraints import Constraints
from discovery.label_text import CADDY, NGINX_PROXY, ROOT, TRAEFIK
from discovery.networks import Wish
from discovery.out_of_bounds import NO_BOUNDS, Bounds
from proxy.certifying import Resolvers
from proxy.frozen import frozen

if TYPE_CHECKING:
    from discovery.template import Template

INGRESS = "caddy_ingress_network"
NONE: Mapping[str, str] = MappingProxyType({})


@frozen
class Language:
    """The dialects that are understood, the foremost first, and what holds for all containers.

    `default_rule` is the rule of containers that ask to be served and name no
    requests, `network` the one to prefer, `entrypoints` are the installation's
    own names.  `names` says what Traefik's names of entrypoints, resolvers and
    TLS options stand for here, `allowed` who may claim which hosts,
    `bounds` where no label may lead to, `resolvers` who may certify hosts.
    """

    dialects: tuple[str, ...] = (ROOT, TRAEFIK)
    default_rule: Template | None = None
    constraints: Constraints = field(default_factory=lambda: Constraints.parse(""))
    serve_all: bool = False
    network: str = ""
    entrypoints: frozenset[str] = frozenset({"web", "websecure"})
    names: Mapping[str, str] = field(default_factory=dict)
    allowed: AllowedHosts = EVERYTHING
    bounds: Bounds = NO_BOUNDS
    resolvers: Resolvers = field(default_factory=Resolvers)

    def concerns(self, labels: Mapping[str, str]) -> bool:
        """Whether a container with these labels may have a share in the routing."""
        if not self.constraints.allow(labels):
            return False
        by_variables = NGINX_PROXY in self.dialects  # which a list of containers does not show
        return self.serve_all or by_variables or self.dialect_of(labels) is not None

    def dialect_of(self, labels: Mapping[str, str], environment: Mapping[str, str] = NONE) -> str | None:
        """The foremost dialect that the container's words are of.

        What only says whether and by which network a container is served goes
        with the words of another dialect.
        """
        spoken = [dialect for dialect in self.dialects if words_of(dialect, labels, environment)]
        telling = [dialect for dialect in spoken if dialect != ROOT or not only_aside(labels)]
        return next(iter(telling or spoken), None)

    def wish(self, labels: Mapping[str, str]) -> Wish:
        """The network that the labels name; what only Traefik's say gives way where it cannot be."""
        if own := aside(labels, "network"):
            return Wish(own[1], self.network)
        if self.dialect_of(labels) == TRAEFIK:
            for label, value in labels.items():
                if label.lower() in (f"{TRAEFIK}.docker.network", f"{TRAEFIK}.swarm.network") and value:
                    return Wish(value, self.network, soft=True)
        if self.dialect_of(labels) == CADDY and labels.get(INGRESS):
            return Wish(labels[INGRESS], self.network, soft=True)
        return Wish("", self.network)


USUAL = Language()


def words_of(
    dialect: str, labels: Mapping[str, str], environment: Mapping[str, str] = NONE
) -> Mapping[str, str]:
    """What of a container's labels and variables belongs to the dialect."""
    if dialect == NGINX_PROXY:
        hosts = environment.get("VIRTUAL_HOST") or environment.get("VIRTUAL_HOST_MULTIPORTS")
        return environment if hosts else NONE
    if dialect == CADDY:
        from discovery.caddy_blocks import belongs  # only who reads such labels pays for it

        return belongs(labels)
    return labels_of(dialect, labels)


def labels_of(dialect: str, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of one dialect, whatever the case of its name."""
    prefix = f"{dialect}."
    return {label: value for label, value in labels.items() if label.lower().startswith(prefix)}


ASIDE = (f"{ROOT}.enable", f"{ROOT}.network")


def only_aside(labels: Mapping[str, str]) -> bool:
    return all(label.lower() in ASIDE for label in labels_of(ROOT, labels))


def aside(labels: Mapping[str, str], name: str) -> tuple[str, str] | None:
    """The label `tidegate.NAME` as it is written, with its value."""
    return next(
        ((label, value) for label, value in labels.items() if label.lower() == f"{ROOT}.{name}"), None
    )
