"""Decision: what becomes of a request, before any of its content is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from proxy.exchange import OnRequest, OnResponse, RequestHead, Response
from proxy.pages import page
from proxy.table import Route, RoutingTable

Note: TypeAlias = Callable[[OnRequest, RequestHead, RequestHead | Response], None]
"""Told of each step that looked at the head: the head before, and what came out."""
CHALLENGE = "/.well-known/acme-challenge/"


class Decision:
    """`response` is an answer of our own; without one `route` serves the request with this `head`."""

    def __init__(
        self, head: RequestHead, route: Route | None = None, response: Response | None = None
    ) -> None:
        self.head = head
        self.route = route
        self.response = response


def decide(
    table: RoutingTable,
    entrypoint: str,
    head: RequestHead,
    answers: Callable[[str], bytes | None],
    note: Note | None = None,
) -> Decision:
    """A challenge comes before everything else: no label may shadow it, and it has to be
    answered in the clear where all else is redirected.
    """
    if head.path.startswith(CHALLENGE) and (answer := answers(head.path)) is not None:
        fields = (("Content-Type", "application/octet-stream"),)
        return Decision(head, response=Response(200, fields, body=answer))
    if table.guarded(head):
        return Decision(head, response=page(400, head))
    route = table.find(entrypoint, head)
    if route is None:
        return Decision(head, response=page(404, head))
    return _let_through(route, head, note)


def _let_through(route: Route, head: RequestHead, note: Note | None) -> Decision:
    """Show the head to the route's middlewares, the outermost first."""
    for step in route.on_request:
        outcome = step.on_request(head)
        if note:
            note(step, head, outcome)
        if isinstance(outcome, Response):
            return Decision(head, route, dressed(outcome, head, _around(route, step)))
        head = outcome
    return Decision(head, route)


def _around(route: Route, step: OnRequest) -> list[OnResponse]:
    """The middlewares that stand before this one, innermost first: only they see its answer."""
    before: list[OnResponse] = []
    for middleware in route.middlewares:
        if middleware is step:
            break
        if isinstance(middleware, OnResponse):
            before.insert(0, middleware)
    return before


def dressed(response: Response, head: RequestHead, steps: Iterable[OnResponse]) -> Response:
    """The response after it has passed these middlewares."""
    for step in steps:
        response = response.under(step.on_response(response, head))
    return response
