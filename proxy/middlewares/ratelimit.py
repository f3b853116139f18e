"""ratelimit: let each client ask only so often."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from proxy.exchange import OnRequest, RequestHead, Response
from proxy.pages import page
from proxy.schema import Duration, option, options
from proxy.source_criterion import BY_ADDRESS, SourceCriterion
from proxy.surroundings import Surroundings

MOST_SOURCES = 65_536
LONGEST_DELAY = 0.5


@options
class RateLimit:
    """Answer 429 to clients that ask too often: `average` requests a `period`, and `burst` at once."""

    average: int = option(doc="Requests a period; 0 is no limit.", example="100", default=0)
    period: Duration = option(doc="The period.", example="1m", default=Duration(1.0))
    burst: int = option(doc="Requests that may come at once.", example="50", default=1)
    source_criterion: SourceCriterion | None = option(
        doc="By what clients are told apart; by their address.", example="true", default=None
    )

    def __post_init__(self) -> None:
        if self.average < 0 or self.burst < 0:
            raise ValueError("average and burst are no negative numbers.")
        if self.average and not self.period:
            raise ValueError("period is longer than nothing. Example: 1s")

    def begin(self, around: Surroundings) -> OnRequest:
        return Limiter(self, around)


@dataclass(slots=True)
class Limiter:
    """A token bucket for each client, as the one time at which it will be full again.

    Traefik makes a request wait for a token that is due within half a token's
    time; here it passes at once and the next one pays: as many pass, nobody waits.
    """

    options: RateLimit
    around: Surroundings
    _full_at: OrderedDict[str, float] = field(default_factory=OrderedDict, repr=False)

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        if not self.options.average:
            return request
        delay = self._take((self.options.source_criterion or BY_ADDRESS).source(request))
        if delay is None:
            return request
        refusal = page(429, request)
        fields = (("Retry-After", str(math.ceil(delay))), ("X-Retry-In", f"{delay:.3f}s"))
        return replace(refusal, fields=(*refusal.fields, *fields))

    def _take(self, source: str) -> float | None:
        """Take a token, or say in how many seconds there will be one."""
        interval = self.options.period / self.options.average
        room = (max(self.options.burst, 1) - 1) * interval
        now = self.around.now()
        full_at = max(self._full_at.pop(source, now), now)
        delay = full_at - now - room
        late = delay > min(interval / 2, LONGEST_DELAY)
        self._full_at[source] = full_at if late else full_at + interval
        if len(self._full_at) > MOST_SOURCES:
            self._full_at.popitem(last=False)  # who has not asked for longest
        return delay if late else None
