"""Plain: whether a request of a route may take the fast lane, and if not, what is in the way."""

from __future__ import annotations

from proxy.exchange import BodyMiddleware
from proxy.model import Server
from proxy.route import Route


def obstacle(route: Route, upgrade: str = "") -> str | BodyMiddleware | Server | None:
    """The protocol that the request asks to upgrade to, the first middleware that needs the body or has
    to wait, or the first server that speaks TLS."""
    if upgrade:
        return upgrade
    if route.wrap:
        return route.wrap[0]
    for server in route.service.servers if route.service else ():
        if server.scheme != "http":
            return server
    return None
