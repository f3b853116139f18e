"""retry: ask again when a server could not be reached, or answers with a status that is worth another try."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from proxy.exchange import BodyMiddleware, Handler, NeverSent, NoServer, Request, Response, UpstreamError
from proxy.frozen import frozen
from proxy.held_body import hold
from proxy.piping import close
from proxy.repeating import IDEMPOTENT
from proxy.schema import Duration, option, options
from proxy.status_range import StatusRange
from proxy.surroundings import Surroundings, Unusable

GROWTH, SPREAD = 1.5, 0.5


@options
class Retry:
    """Try again what never reached a server, or was answered with one of these statuses."""

    attempts: int = option(doc="Tries in all.", example="3")
    initial_interval: Duration = option(
        doc="Pause before the second try; each is half as long again.", example="100ms", default=Duration(0)
    )
    timeout: Duration = option(
        doc="After this time nothing is tried again; 0 is never.", example="10s", default=Duration(0)
    )
    max_request_body_bytes: int = option(
        doc="The largest request body that is kept to be sent again; -1 is any.",
        example="65536",
        default=2 * 1024 * 1024,
    )
    status: tuple[StatusRange, ...] = option(
        doc="Statuses that are worth another try.", example="502-504", default=()
    )
    disable_retry_on_network_error: bool = option(
        doc="Try again for the statuses only.", example="true", default=False
    )
    retry_non_idempotent_method: bool = option(
        doc="Also what may do harm when done twice, as POST.", example="true", default=False
    )

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("attempts is at least 1.")
        if self.disable_retry_on_network_error and not self.status:
            raise ValueError("Nothing would be tried again: name a status, or allow network errors.")

    def begin(self, around: Surroundings) -> BodyMiddleware:
        return Retrying(self, around)

    def may_be_repeated(self, request: Request) -> bool:
        return self.retry_non_idempotent_method or request.head.method in IDEMPOTENT


@frozen
class Retrying:
    options: Retry
    around: Surroundings

    def wrap(self, next_handler: Handler) -> Handler:
        async def retry(request: Request) -> Response:
            repeatable = self.options.may_be_repeated(request)
            if repeatable and request.body.length != 0 and self.options.attempts > 1:
                request, repeatable = await self._kept(request)
            return await self._try(request, next_handler, repeatable)

        return retry

    async def _kept(self, request: Request) -> tuple[Request, bool]:
        """The request with content that can be sent again, where there is not too much of it."""
        most = self.options.max_request_body_bytes
        kept, too_much = await hold(request.body, None if most < 0 else most)
        return replace(request, body=too_much or kept), too_much is None

    async def _try(self, request: Request, next_handler: Handler, repeatable: bool) -> Response:
        now, patience = self.around.now, self.options.timeout or math.inf
        deadline = now() + patience
        for attempt in range(self.options.attempts - 1):
            try:
                response = await next_handler(request)
            except UpstreamError as error:
                if not self._helps(error, repeatable) or now() >= deadline:
                    raise
            else:
                if not (repeatable and self._is_named(response)) or now() >= deadline:
                    return response
                await close(response.body)
            if pause := self.options.initial_interval * GROWTH**attempt:
                await self.around.pause(pause * random.uniform(1 - SPREAD, 1 + SPREAD))  # noqa: S311
        return await next_handler(request)

    def _helps(self, error: UpstreamError, repeatable: bool) -> bool:
        """What never reached a server has not been read either: it can be sent whatever it is."""
        if self.options.disable_retry_on_network_error or isinstance(error, NoServer | Unusable):
            return False
        return repeatable or isinstance(error, NeverSent)

    def _is_named(self, response: Response) -> bool:
        return any(response.status in each for each in self.options.status)
