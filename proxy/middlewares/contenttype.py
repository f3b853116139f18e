"""contenttype: say what content is where the app does not."""

from __future__ import annotations

from dataclasses import replace

from proxy.exchange import Handler, Request, Response, with_field
from proxy.media_type import guessed
from proxy.piping import read_some, rejoined
from proxy.schema import option, options


@options
class ContentType:
    """Guess the Content-Type of answers that have none from how their content begins."""

    auto_detect: bool = option(
        doc="No effect, accepted for older files: who uses this middleware wants it.",
        example="true",
        default=True,
    )

    def wrap(self, next_handler: Handler) -> Handler:
        async def guess(request: Request) -> Response:
            response = await next_handler(request)
            if _has_none(request, response):
                return await _with_type(response)
            return response

        return guess


def _has_none(request: Request, response: Response) -> bool:
    if request.head.method == "HEAD" or response.status in (204, 304) or response.status < 200:
        return False
    return not response.get("Content-Type") and not response.get("Content-Encoding")


async def _with_type(response: Response) -> Response:
    body = response.body
    if isinstance(body, bytes):
        return _typed(response, body)
    start, rest = await read_some(body, 1)  # no more: an answer that comes slowly must not wait
    return replace(
        _typed(response, start), body=start if rest is None else rejoined(start, rest, body.length)
    )


def _typed(response: Response, start: bytes) -> Response:
    if not start:
        return response
    return replace(response, fields=with_field(response.fields, "Content-Type", guessed(start)))
