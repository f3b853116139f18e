"""circuitbreaker: leave a service in peace that does badly, and come back to it little by little."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from proxy.exchange import BodyMiddleware, Handler, Request, Response, UpstreamError
from proxy.expression import Function, parse_expression
from proxy.pages import page, phrase
from proxy.rolling_window import RollingWindow
from proxy.schema import Duration, option, options
from proxy.surroundings import Surroundings

FUNCTIONS = {
    "NetworkErrorRatio": Function(RollingWindow.network_error_ratio),
    "ResponseCodeRatio": Function(RollingWindow.ratio, takes=4),
    "LatencyAtQuantileMS": Function(RollingWindow.latency, takes=1),
    "RequestThreshold": Function(lambda window: window.total),
}


@options
class CircuitBreaker:
    """While the expression holds, answer at once instead of asking the service."""

    expression: str = option(
        doc="When the service does badly: NetworkErrorRatio(), ResponseCodeRatio(from, to, from, to), "
        "LatencyAtQuantileMS(quantile), RequestThreshold() of the last ten seconds, with && and ||.",
        example="NetworkErrorRatio() > 0.30 || LatencyAtQuantileMS(50.0) > 500",
    )
    check_period: Duration = option(
        doc="Time between two looks at the expression.", example="100ms", default=Duration(0.1)
    )
    fallback_duration: Duration = option(
        doc="How long the service is left in peace.", example="30s", default=Duration(10)
    )
    recovery_duration: Duration = option(
        doc="How long it then gets only some of the requests, more and more.",
        example="30s",
        default=Duration(10),
    )
    response_code: int = option(doc="The status meanwhile.", example="503", default=503)

    def __post_init__(self) -> None:
        parse_expression(self.expression, FUNCTIONS)
        if not 200 <= self.response_code <= 599 or phrase(self.response_code) == "Error":
            raise ValueError("responseCode is a status of HTTP such as 503.")

    def begin(self, around: Surroundings) -> BodyMiddleware:
        return Breaker(self, around)


class State(Enum):
    CLOSED = "closed"  # as in a circuit: requests pass
    OPEN = "open"
    RECOVERING = "recovering"


@dataclass(slots=True)
class Breaker:
    options: CircuitBreaker
    around: Surroundings
    state: State = State.CLOSED
    _until: float = 0.0
    _looked: float = 0.0
    _passed: int = 0
    _refused: int = 0
    _window: RollingWindow = field(default_factory=RollingWindow, repr=False)

    def wrap(self, next_handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            began = self.around.now()
            if not self._passes(began):
                return page(self.options.response_code, request.head)
            try:
                response = await next_handler(request)
            except UpstreamError as error:
                self._judge(error.status, began)
                raise
            self._judge(response.status, began)
            return response

        return guarded

    def _passes(self, now: float) -> bool:
        if self.state is State.OPEN and now >= self._until:
            self.state, self._until = State.RECOVERING, now + self.options.recovery_duration
            self._passed = self._refused = 0
        if self.state is State.RECOVERING and now >= self._until:
            self.state = State.CLOSED
        if self.state is State.RECOVERING:
            return self._is_one_of_some(now)
        return self.state is State.CLOSED

    def _is_one_of_some(self, now: float) -> bool:
        """From none to half of the requests; with all of them it would be closed again."""
        share = 0.5 * (1 - (self._until - now) / self.options.recovery_duration)
        passes = (self._passed + 1) / (self._passed + self._refused + 1) <= share
        self._passed += passes
        self._refused += not passes
        return passes

    def _judge(self, status: int, began: float) -> None:
        now = self.around.now()
        self._window.add(now, status, now - began)
        if self.state is State.OPEN or now - self._looked < self.options.check_period:
            return
        self._looked = now
        if parse_expression(self.options.expression, FUNCTIONS)(self._window):
            self.state, self._until = State.OPEN, now + self.options.fallback_duration
            self._window.clear()
