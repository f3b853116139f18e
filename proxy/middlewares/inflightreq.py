"""inflightreq: let each client have only so many requests under way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from proxy.exchange import BodyMiddleware, Handler, Request, Response
from proxy.pages import page
from proxy.piping import afterwards
from proxy.schema import option, options
from proxy.source_criterion import BY_HOST, SourceCriterion
from proxy.surroundings import Surroundings


@options
class InFlightReq:
    """Answer 429 while as many requests as that are being served."""

    amount: int = option(doc="Requests under way at once.", example="10")
    source_criterion: SourceCriterion | None = option(
        doc="By what clients are told apart; by the host asked for, all of them together.",
        example="true",
        default=None,
    )

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError("amount is at least 1, or nobody could pass.")

    def begin(self, around: Surroundings) -> BodyMiddleware:
        return InFlight(self)


@dataclass(slots=True)
class InFlight:
    options: InFlightReq
    _number: Counter[str] = field(default_factory=Counter, repr=False)

    def wrap(self, next_handler: Handler) -> Handler:
        async def count(request: Request) -> Response:
            source = (self.options.source_criterion or BY_HOST).source(request.head)
            if self._number[source] >= self.options.amount:
                return page(429, request.head)
            self._number[source] += 1
            try:
                response = await next_handler(request)
            except BaseException:
                self._leave(source)
                raise
            return afterwards(response, lambda: self._leave(source))

        return count

    def _leave(self, source: str) -> None:
        self._number[source] -= 1
        if not self._number[source]:
            del self._number[source]
