"""Balancer: which server of a service is asked next.

Smooth weighted round robin (nginx's): each turn every server gains its weight,
the richest is chosen and pays the total.  Heavy servers come more often, but
never in a row longer than need be.  The standings are kept by service name, so
that a new routing table does not send everybody to the first server again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from proxy.exchange import NoServer
from proxy.model import Server, Service


@dataclass(slots=True)
class Balancer:
    _standings: dict[str, dict[Server, int]] = field(default_factory=dict)

    def choose(self, service: Service, excluding: Collection[Server] = ()) -> Server:
        """The server whose turn it is; `excluding` are those that have just failed this request."""
        if len(service.servers) == 1 and not excluding and service.servers[0].weight > 0:
            return service.servers[0]
        able = [server for server in service.servers if server.weight > 0 and server not in excluding]
        if not able:
            raise NoServer(f"service {service.name} has no server that is up")
        if len(able) == 1:
            return able[0]
        standing = self._standing(service)
        for server in able:
            standing[server] += server.weight
        chosen = max(able, key=standing.__getitem__)
        standing[chosen] -= sum(server.weight for server in able)
        return chosen

    def _standing(self, service: Service) -> dict[Server, int]:
        known = self._standings.get(service.name, {})
        if known.keys() != set(service.servers):
            known = {server: known.get(server, 0) for server in service.servers}
            self._standings[service.name] = known
        return known

    def retain(self, names: Collection[str]) -> None:
        """Forget services that are gone."""
        for name in self._standings.keys() - set(names):
            del self._standings[name]
