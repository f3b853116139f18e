"""Plain: what keeps requests of a route from the fast lane; `Route.hurried` may do so only now and then."""

from __future__ import annotations

from proxy.exchange import BodyMiddleware
from proxy.route import Route


def obstacle(route: Route, upgrade: str = "") -> str | BodyMiddleware | None:
    """The protocol that the request asks to upgrade to, or the first middleware that needs the body or has
    to wait."""
    if upgrade:
        return upgrade
    return route.wrap[0] if route.wrap else None
