"""errors: show pages of a service's own instead of an app's failures."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote_plus

from proxy.exchange import (
    BodyMiddleware,
    Empty,
    Fields,
    Handler,
    Request,
    RequestHead,
    Response,
    UpstreamError,
    without,
)
from proxy.frozen import frozen
from proxy.pages import page, phrase
from proxy.pathname import escaped
from proxy.piping import close
from proxy.reference import ServiceName
from proxy.schema import option, options
from proxy.status_range import StatusRange
from proxy.surroundings import Surroundings

FORWARDED = ("host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
             "x-real-ip", "forwarded")  # fmt: skip
ABOUT_CONTENT = ("Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Expect")


@options
class Errors:
    """Answer failures with a page of this service; the status stays."""

    status: tuple[StatusRange, ...] = option(
        doc="Statuses that get a page.", example="404, 500-599", default=()
    )
    service: ServiceName = option(doc="The service that has the pages.", example="error-pages")
    query: str = option(
        doc="The path to ask for; {status}, {originalStatus} and {url} stand for what happened.",
        example="/{status}.html",
        default="/",
    )
    status_rewrites: dict[str, int] = option(
        doc="Statuses that are shown as others.", example="500-503=500", default={}
    )
    error_request_headers: tuple[str, ...] | None = option(
        doc="Fields of the request that the service gets; all of them where this says nothing.",
        example="Accept-Language",
        default=None,
    )

    def __post_init__(self) -> None:
        if not self.status:
            raise ValueError("status names none. Example: 500-599")
        for text, status in self.status_rewrites.items():
            StatusRange.parse(text)
            if not 100 < status < 600:
                raise ValueError(f"statusRewrites: {status} is no status.")

    def begin(self, around: Surroundings) -> BodyMiddleware:
        return ErrorPages(self, around)

    def shown(self, status: int) -> int:
        for text, other in self.status_rewrites.items():
            if status in StatusRange.parse(text):
                return other
        return status


@frozen
class ErrorPages:
    options: Errors
    around: Surroundings

    def wrap(self, next_handler: Handler) -> Handler:
        async def with_pages(request: Request) -> Response:
            try:
                response = await next_handler(request)
            except UpstreamError as error:
                if not self._has_page(error.status):
                    raise
                return await self._page(request.head, error.status)
            if response.upgraded or not self._has_page(response.status):
                return response
            await close(response.body)
            return await self._page(request.head, response.status)

        return with_pages

    def _has_page(self, status: int) -> bool:
        return any(status in each for each in self.options.status)

    async def _page(self, head: RequestHead, status: int) -> Response:
        shown = self.options.shown(status)
        try:
            asking = Request(self._asking(head, status, shown), Empty())
            answer = await self.around.ask(self.options.service, asking)
        except UpstreamError:
            return page(shown, head)
        return replace(answer, status=shown, reason=phrase(shown))

    def _asking(self, head: RequestHead, status: int, shown: int) -> RequestHead:
        url = f"{head.scheme}://{head.get('Host') or head.host}{head.target}"
        target = escaped_target(
            self.options.query.replace("{status}", str(shown))
            .replace("{originalStatus}", str(status))
            .replace("{url}", quote_plus(url, encoding="latin-1"))
        )
        method = "HEAD" if head.method == "HEAD" else "GET"
        return replace(head, method=method, target=target, fields=self._fields(head.fields))

    def _fields(self, fields: Fields) -> Fields:
        fields = without(fields, *ABOUT_CONTENT)
        allowed = self.options.error_request_headers
        if allowed is None:
            return fields
        names = {*FORWARDED, *(name.lower() for name in allowed)}
        return tuple(line for line in fields if line[0].lower() in names)


def escaped_target(text: str) -> str:
    path, mark, query = text.partition("?")
    path = path if path.startswith("/") else "/" + path
    return escaped(path) + (mark + "?".join(map(escaped, query.split("?"))) if mark else "")
