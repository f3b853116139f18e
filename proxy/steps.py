"""Steps: a router's middlewares in the order in which a request meets them.

Those before the first that wraps the handler look at the head alone, so any
lane can take them; from there on all of them wrap, or a head would be changed
before somebody in front has seen it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, takewhile

from proxy.exchange import (
    Acting,
    AtOnce,
    Begins,
    BodyMiddleware,
    Expands,
    Handler,
    Middleware,
    OnRequest,
    OnResponse,
    Request,
    RequestHead,
    Response,
    is_steady,
)
from proxy.frozen import frozen

DEEPEST = 32
"""Chains in one another; a circle is deeper."""
MOST = 256
"""Middlewares of one router, those of its chains included."""


class Unresolved(Exception):
    """The names lead nowhere; the text says so to the owner."""


def expanded(
    names: Sequence[str], known: Mapping[str, Middleware], broken: Collection[str] = ()
) -> list[tuple[str, Acting | Begins]]:
    """The middlewares with these names, those of chains in their place."""
    found = list(islice(_expanded(names, known, broken, 0), MOST + 1))
    if len(found) > MOST:
        raise Unresolved(f"A router has at most {MOST} middlewares.")
    return found


def _expanded(
    names: Sequence[str], known: Mapping[str, Middleware], broken: Collection[str], depth: int
) -> Iterator[tuple[str, Acting | Begins]]:
    for name in names:
        if name in broken:
            raise Unresolved(f'Middleware "{name.partition("@")[0]}" has a mistake; see the problems.')
        if name not in known:
            raise Unresolved(f'There is no middleware "{name}"; without it the router is not served.')
        middleware = known[name]
        if not isinstance(middleware, Expands):
            yield name, middleware
        elif depth == DEEPEST:
            raise Unresolved(f'The chain "{name}" leads to itself; without it the router is not served.')
        else:
            yield from _expanded(middleware.middlewares, known, broken, depth + 1)


def on_heads(middlewares: Sequence[Acting]) -> tuple[Acting, ...]:
    """Those that any lane can take, outermost first."""
    return tuple(takewhile(lambda each: not isinstance(each, BodyMiddleware), middlewares))


def around_handler(middlewares: Sequence[Acting]) -> tuple[BodyMiddleware, ...]:
    """The others, outermost first, all of them wrapping."""
    behind = middlewares[len(on_heads(middlewares)) :]
    return tuple(each if isinstance(each, BodyMiddleware) else OnHead(each) for each in behind)


@frozen
class OnHead:
    """One that looks at heads, in its place behind one that wraps."""

    middleware: Acting

    def at_once(self, request: RequestHead) -> RequestHead | None:
        if not isinstance(self.middleware, OnRequest):
            return request
        outcome = self.middleware.on_request(request)
        return None if isinstance(outcome, Response) else outcome

    def wrap(self, next_handler: Handler) -> Handler:
        async def step(request: Request) -> Response:
            middleware, head = self.middleware, request.head
            if isinstance(middleware, OnRequest):
                outcome = middleware.on_request(head)
                if isinstance(outcome, Response):
                    return outcome
                request = replace(request, head=outcome)
            response = await next_handler(request)
            if isinstance(middleware, OnResponse):
                response = response.under(middleware.on_response(response, head))
            return response

        return step


def hurried(wrap: Sequence[BodyMiddleware]) -> tuple[AtOnce, ...]:
    """All of them, where each can mostly do without a wait and is asked twice without harm; else none."""
    able = tuple(each for each in wrap if isinstance(each, AtOnce) and _may_hurry(each))
    return able if len(able) == len(wrap) else ()


def _may_hurry(each: AtOnce) -> bool:
    if not isinstance(each, OnHead):
        return True
    middleware = each.middleware
    return not isinstance(middleware, OnRequest) or is_steady(middleware)


def behind(wrap: Sequence[BodyMiddleware]) -> tuple[OnResponse, ...]:
    """What answers pass that come from behind those which wrap, innermost first."""
    inner = (each.middleware for each in reversed(wrap) if isinstance(each, OnHead))
    return tuple(each for each in inner if isinstance(each, OnResponse))
