"""Failing over: what one service answers with certain statuses is asked of another one."""

from __future__ import annotations

from dataclasses import replace

from proxy.exchange import BodyMiddleware, Handler, NoServer, Request, Response, UpstreamError
from proxy.frozen import frozen
from proxy.held_body import hold
from proxy.piping import close
from proxy.repeating import IDEMPOTENT
from proxy.status_range import StatusRange
from proxy.surroundings import Surroundings


@frozen
class FailingOver:
    """`main` and `fallback` are services; content of more than `most` bytes is not kept, nor sent again."""

    main: str
    fallback: str
    statuses: tuple[StatusRange, ...]
    most: int

    def begin(self, around: Surroundings) -> BodyMiddleware:
        return Fallback(self, around)

    def names(self, status: int) -> bool:
        return any(status in each for each in self.statuses)


@frozen
class Fallback:
    """Only what does the same when done twice is asked again: the first service may have done it."""

    options: FailingOver
    around: Surroundings

    def wrap(self, next_handler: Handler) -> Handler:
        async def ask(request: Request) -> Response:
            # While the first one has no server that is up, it is the fallback that is asked in its place.
            if request.head.method not in IDEMPOTENT or not self.around.is_up(self.options.main):
                return await next_handler(request)
            if request.body.length != 0:
                kept, too_much = await hold(request.body, self.options.most)
                request = replace(request, body=too_much or kept)
                if too_much is not None:
                    return await next_handler(request)
            return await self._ask_both(request, next_handler)

        return ask

    async def _ask_both(self, request: Request, next_handler: Handler) -> Response:
        try:
            response = await next_handler(request)
        except UpstreamError as error:
            if not self.options.names(error.status) or isinstance(error, NoServer):
                raise
        else:
            if not self.options.names(response.status):
                return response
            await close(response.body)
        return await self.around.ask(self.options.fallback, request)
