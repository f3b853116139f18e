"""Rehearsal: what each middleware of a route would do to a request, without anything happening.

The middlewares are the real ones, begun anew in surroundings where nothing can
be asked, waited for or remembered.  What they count (rates, requests in flight,
failures) is therefore as in their first moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from proxy.exchange import BodyMiddleware, Request, RequestHead, Response, get
from proxy.frozen import frozen
from proxy.origin import Origin

T = TypeVar("T")
Outcome: TypeAlias = RequestHead | Response | str
"""The head as it goes on, an answer, or why nobody can say without doing it."""


class Untold(BaseException):
    """The middleware would have to do something: the text says what.  Nobody's `except` is to catch this."""


class Passed(BaseException):
    """The request got past the middleware."""

    def __init__(self, head: RequestHead) -> None:
        self.head = head


class Nowhere:
    """Surroundings in which nothing happens."""

    def now(self) -> float:
        return 0.0

    async def pause(self, seconds: float) -> None:
        raise Untold("waits")

    async def aside(self, work: Callable[[], T]) -> T:
        raise Untold("looks into it when the request comes")

    async def fetch(self, origin: Origin, request: Request) -> Response:
        raise Untold(f"asks {origin.scheme}://{origin.host}:{origin.port}")

    def is_up(self, service: str) -> bool:
        return True

    async def ask(self, service: str, request: Request) -> Response:
        raise Untold(f"asks service {service}")


@frozen
class Step:
    """One middleware and what it does; `status` is that of its answer, None where it lets pass.

    `told` is False where nobody can say before it happens.
    """

    name: str
    kind: str
    does: str
    status: int | None = None
    location: str = ""
    told: bool = True


def behind(middleware: BodyMiddleware, head: RequestHead) -> Outcome:
    """What becomes of the head at a middleware that wraps, up to where it would have to wait."""

    async def passed(request: Request) -> Response:
        raise Passed(request.head)

    running = middleware.wrap(passed)(Request(head))
    try:
        next(running.__await__())
    except StopIteration as ended:
        response: Response = ended.value
        return response
    except Passed as end:
        return end.head
    except Untold as reason:
        return str(reason)
    return "has to wait"


def step(name: str, kind: str, before: RequestHead, outcome: Outcome) -> Step:
    match outcome:
        case Response():
            location = get(outcome.fields, "Location")
            does = f"redirects ({outcome.status}) to {location}" if location else f"answers {outcome.status}"
            return Step(name, kind, does, outcome.status, location)
        case RequestHead():
            return Step(name, kind, changes(before, outcome) or "lets it pass")
    return Step(name, kind, outcome, told=False)


def changes(before: RequestHead, after: RequestHead) -> str:
    """What the app gets otherwise than it came, in words."""
    said = []
    if before.target != after.target:
        said.append(f"makes it {after.target}")
    if before.method != after.method:
        said.append(f"makes it {after.method}")
    had, has = dict(before.fields), dict(after.fields)
    if put := [name for name, value in has.items() if had.get(name) != value]:
        said.append(f"sets {', '.join(put)}")
    if dropped := [name for name in had if name not in has]:
        said.append(f"drops {', '.join(dropped)}")
    return "; ".join(said)
