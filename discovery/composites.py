"""Composites: services made of others, as labels and files declare them alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from discovery.declared import Reading
from proxy.balancing import (
    USUAL,
    Balanced,
    FailoverOptions,
    HashedOptions,
    MirroringOptions,
    PartOptions,
    WeightedOptions,
)
from proxy.model import Failover, How, Mirrored, Part, Service, Weighted
from proxy.reaching import INTERNAL, UNVERIFIED, Transport
from proxy.reference import TransportName
from proxy.schema import Tree, option, options, options_of, parse_options


@options
class MadeOfOthers:
    """A service whose requests go to others."""

    weighted: WeightedOptions | None = option(doc="Others by their shares.", example="", default=None)
    highest_random_weight: HashedOptions | None = option(
        doc="Others by the visitor's address.", example="", default=None
    )
    failover: FailoverOptions | None = option(doc="One, or another.", example="", default=None)
    mirroring: MirroringOptions | None = option(doc="One, with copies to others.", example="", default=None)

    @property
    def kinds(self) -> int:
        found = (self.weighted, self.highest_random_weight, self.failover, self.mirroring)
        return sum(each is not None for each in found)


def how_of(asked: MadeOfOthers) -> Weighted | Failover | Mirrored | None:
    """How the service is made; the names are as its owner wrote them."""
    if asked.weighted:
        sticky = asked.weighted.sticky
        return Weighted(_parts(asked.weighted.services), sticky.cookie if sticky else None)
    if asked.highest_random_weight:
        return Weighted(_parts(asked.highest_random_weight.services), hashed=True)
    if asked.failover:
        parts = Part(asked.failover.service), Part(asked.failover.fallback)
        errors = asked.failover.errors
        return Failover(parts, errors.status, errors.max_request_body_bytes) if errors else Failover(parts)
    if asked.mirroring:
        mirrors = (Part(each.name, each.percent) for each in asked.mirroring.mirrors)
        copied = (Part(asked.mirroring.service), *mirrors)
        return Mirrored(copied, asked.mirroring.mirror_body, asked.mirroring.max_body_size)
    return None


def composite(name: str, asked: MadeOfOthers, reading: Reading) -> Service:
    """The service with its parts by their qualified names."""
    qualified = reading.qualified(name)
    return with_parts(Service(qualified, how=how_of(asked)), reading.qualified)


@options
class Reached(Balanced):
    """How the servers of a service are chosen, and how they are reached."""

    servers_transport: TransportName | None = option(
        doc="A transport that a route file declares, by its name.", example="insecure@file", default=None
    )
    transport: Transport | None = option(doc="How the servers are connected to.", example="", default=None)

    def __post_init__(self) -> None:
        Balanced.__post_init__(self)
        if self.servers_transport and self.transport:
            raise ValueError("serversTransport and transport are two ways to say one thing.")


def transport_of(path: Sequence[str], asked: Reached, reading: Reading) -> str | Transport | None:
    """How the servers are connected to, or the qualified name of that."""
    if asked.servers_transport:
        name = asked.servers_transport
        return None if name == INTERNAL else reading.qualified(name)
    note_unverified((*path, "loadbalancer", "transport", "insecureskipverify"), asked.transport, reading)
    return asked.transport


def note_unverified(path: Sequence[str], transport: Transport | None, reading: Reading) -> None:
    if transport and transport.insecure_skip_verify:
        reading.problem(path, UNVERIFIED, "", "notice")


def read_transports(trees: Mapping[str, Tree], reading: Reading) -> dict[str, Transport]:
    """Those that a route file declares."""
    found = {}
    for name, tree in trees.items():
        path = ("serversTransports", name)
        transport, flaws = parse_options(Transport, tree)
        consequence = f'Services that use transport "{name}" answer 503.'
        reading.flaws(Transport, path, flaws, consequence)
        if transport is not None:
            found[reading.qualified(name)] = transport
            note_unverified((*path, "insecureSkipVerify"), transport, reading)
    return found


def balanced(asked: Balanced) -> Balanced | None:
    """How servers are chosen; None where nothing is said that is not usual."""
    found = Balanced(**{name: getattr(asked, name) for name in options_of(Balanced)})
    return None if found == USUAL else found


def with_parts(service: Service, rename: Callable[[str], str]) -> Service:
    """The service with other names in the same places."""
    how = service.how
    if not isinstance(how, Weighted | Failover | Mirrored):
        return service
    parts = tuple(replace(part, name=str(rename(part.name))) for part in how.parts)
    return replace(service, how=replace(how, parts=parts))


def parts_named(how: How | None) -> Iterator[str]:
    """The services that another one is made of."""
    if isinstance(how, Weighted | Failover | Mirrored):
        for part in how.parts:
            yield part.name


def elements_named(service: Service) -> Iterator[str]:
    """All that the service needs of what is declared elsewhere."""
    yield from parts_named(service.how)
    if isinstance(service.transport, str):
        yield service.transport


def _parts(named: tuple[PartOptions, ...]) -> tuple[Part, ...]:
    return tuple(Part(each.name, each.weight) for each in named)
