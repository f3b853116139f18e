"""Composite: services that are made of others, with those looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from proxy.model import Failover, Mirrored, Part, Service, Weighted
from proxy.reaching import Transport

DEEPEST = 16
"""Services in one another; a circle is deeper."""


class Unresolvable(Exception):
    """The service cannot be made of what it names; the text says so to the owner."""


@dataclass(slots=True)
class Composites:
    """Services as they are served, each looked up once."""

    declared: Mapping[str, Service]
    transports: Mapping[str, Transport] = field(default_factory=dict)
    _known: dict[str, Service] = field(default_factory=dict)

    def all(self) -> dict[str, Service]:
        """All that can be served."""
        found = {}
        for name in self.declared:
            try:
                found[name] = self.of(name)
            except Unresolvable:
                continue  # whoever refers to it is told
        return found

    def of(self, name: str, depth: int = 0) -> Service:
        """The service with all that it is made of."""
        if name in self._known:
            return self._known[name]
        declared = self.declared.get(name)
        if declared is None:
            raise Unresolvable(f'There is no service "{name}".')
        if depth > DEEPEST:
            raise Unresolvable(f'Service "{name}" is made of itself.')
        how = declared.how
        found = self._reached(declared) if declared.transport else declared
        if isinstance(how, Weighted | Failover | Mirrored):
            parts = tuple(self._part(each, depth, how) for each in how.parts)
            asked = parts[:1] if isinstance(how, Mirrored) else parts
            within = [each.service for each in asked if each.service]
            servers = dict.fromkeys(server for each in within for server in each.servers)
            found = replace(
                declared,
                servers=tuple(servers),
                how=replace(how, parts=parts),
                starting=any(each.starting for each in within),
            )
        self._known[name] = found
        return found

    def _reached(self, declared: Service) -> Service:
        transport = declared.transport
        if isinstance(transport, str):
            transport = self.transports.get(transport)
        if transport is None:
            raise Unresolvable(f'There is no transport "{declared.transport}".')
        servers = tuple(replace(each, transport=transport) for each in declared.servers)
        return replace(declared, servers=servers, transport=transport)

    def _part(self, part: Part, depth: int, how: Weighted | Failover | Mirrored) -> Part:
        service = self.of(part.name, depth + 1)
        if isinstance(service.how, Mirrored):
            # Copies are made where a request enters; which part it will go to is not known there.
            raise Unresolvable(f'Only a router can name "{part.name}", which is mirrored.')
        if isinstance(service.how, Failover) and service.how.statuses:
            raise Unresolvable(f'Only a router can name "{part.name}", which fails over by statuses.')
        return replace(part, service=service)
