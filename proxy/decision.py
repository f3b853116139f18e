"""Decision: what becomes of a request, before any of its content is looked at."""

from __future__ import annotations

from collections.abc import Callable

from proxy.exchange import RequestHead, Response
from proxy.pages import page
from proxy.table import Route, RoutingTable

CHALLENGE = "/.well-known/acme-challenge/"


def decide(
    table: RoutingTable, entrypoint: str, head: RequestHead, answers: Callable[[str], bytes | None]
) -> Route | Response:
    """The route that serves the request, or the answer that we give ourselves.

    A challenge comes before everything: no label may shadow it, and it must
    be answered in the clear even where everything else is redirected.
    """
    if head.path.startswith(CHALLENGE) and (answer := answers(head.path)) is not None:
        return Response(200, (("Content-Type", "application/octet-stream"),), body=answer)
    if table.guarded(head):
        return page(400, head, "The address holds characters that this site does not accept.")
    route = table.find(entrypoint, head)
    if route is None:
        return page(404, head)
    if route.action == "broken":
        return page(503, head)
    return route
