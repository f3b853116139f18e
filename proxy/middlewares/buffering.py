"""buffering: take whole requests and whole answers in before they are passed on."""

from __future__ import annotations

from dataclasses import replace

from proxy.exchange import BodyMiddleware, Handler, Request, Response, UpstreamError
from proxy.expression import Function, parse_expression
from proxy.frozen import frozen
from proxy.pages import page
from proxy.piping import close
from proxy.schema import option, options
from proxy.spool import TooLarge, spooled
from proxy.surroundings import Surroundings

MOST_ATTEMPTS = 10


@frozen
class Attempt:
    """A try that has come to its end."""

    number: int
    status: int
    method: str


FUNCTIONS = {
    "IsNetworkError": Function(lambda attempt: attempt.status in (502, 504), kind=bool),
    "Attempts": Function(lambda attempt: attempt.number),
    "ResponseCode": Function(lambda attempt: attempt.status),
    "RequestMethod": Function(lambda attempt: attempt.method, kind=str),
}


@options
class Buffering:
    """Read all of a request before a server gets it, and all of an answer before the visitor does."""

    max_request_body_bytes: int = option(
        doc="Larger requests are answered with 413; 0 is any.", example="2000000", default=0
    )
    mem_request_body_bytes: int = option(
        doc="More than this goes to disk.", example="1048576", default=1048576
    )
    max_response_body_bytes: int = option(
        doc="Instead of larger answers there is a 500; 0 is any.", example="2000000", default=0
    )
    mem_response_body_bytes: int = option(
        doc="More than this goes to disk.", example="1048576", default=1048576
    )
    retry_expression: str = option(
        doc="When to ask again, whatever the method.",
        example="IsNetworkError() && Attempts() < 2",
        default="",
    )

    def __post_init__(self) -> None:
        limits = (self.max_request_body_bytes, self.mem_request_body_bytes)
        if min(*limits, self.max_response_body_bytes, self.mem_response_body_bytes) < 0:
            raise ValueError("Sizes are no negative numbers.")
        if self.retry_expression:
            parse_expression(self.retry_expression, FUNCTIONS)

    def begin(self, around: Surroundings) -> BodyMiddleware:
        return Buffer(self, around)


@frozen
class Buffer:
    options: Buffering
    around: Surroundings

    def wrap(self, next_handler: Handler) -> Handler:
        options = self.options

        async def buffer(request: Request) -> Response:
            try:
                body = await spooled(
                    request.body, self.around, options.mem_request_body_bytes, options.max_request_body_bytes
                )
            except TooLarge:
                return page(413, request.head)
            response = await self._answer(replace(request, body=body), next_handler)
            return await self._whole(request, response)

        return buffer

    async def _answer(self, request: Request, next_handler: Handler) -> Response:
        if not self.options.retry_expression:
            return await next_handler(request)
        again = parse_expression(self.options.retry_expression, FUNCTIONS)
        for number in range(1, MOST_ATTEMPTS + 1):
            try:
                response = await next_handler(request)
            except UpstreamError as error:
                if not again(Attempt(number, error.status, request.head.method)):
                    raise
            else:
                if not again(Attempt(number, response.status, request.head.method)):
                    return response
                await close(response.body)
        return await next_handler(request)

    async def _whole(self, request: Request, response: Response) -> Response:
        options, body = self.options, response.body
        if response.upgraded or request.head.method == "HEAD":
            return response
        if isinstance(body, bytes):
            too_large = 0 < options.max_response_body_bytes < len(body)
            return page(500, request.head) if too_large else response
        try:
            whole = await spooled(
                body, self.around, options.mem_response_body_bytes, options.max_response_body_bytes
            )
        except TooLarge:
            return page(500, request.head)
        return replace(response, body=whole)
