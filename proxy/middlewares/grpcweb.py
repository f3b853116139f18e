"""grpcweb: let browsers, which cannot read trailers, ask an app of gRPC.

application/grpc-web(-text) -> application/grpc, content undone where it is base64
trailers                    -> the last frame of the content
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace

from proxy.base64_pieces import Decoder, NotBase64
from proxy.exchange import Body, Fields, Handler, Request, RequestHead, Response, with_field, without
from proxy.fields import members
from proxy.grpc_frame import trailers_frame
from proxy.pages import page
from proxy.piping import Piped
from proxy.schema import option, options

GRPC, WEB, TEXT = "application/grpc", "application/grpc-web", "application/grpc-web-text"
MAX_AGE = "600"  # seconds for which a browser remembers what it may ask
METHODS = ("GET", "HEAD", "POST")


@options
class GRPCWeb:
    """Let browsers ask an app that speaks gRPC; its server has scheme `h2c`."""

    allow_origins: tuple[str, ...] = option(
        doc="Pages that may ask, by their origin, with the visitor's cookies; `*` is any.",
        example="https://app.example.com",
        default=(),
    )

    def wrap(self, next_handler: Handler) -> Handler:
        async def translate(request: Request) -> Response:
            if _is_preflight(request.head):
                return Response(204, tuple(self._preflight(request.head)))
            kind = request.head.get("Content-Type")
            if request.head.method != "POST" or not kind.lower().startswith(WEB):
                return await next_handler(request)
            text = kind.lower().startswith(TEXT)
            try:
                response = await next_handler(_as_grpc(request, kind, text))
            except NotBase64:
                response = page(400, request.head)
            return self._shared(_as_web(response, text), request.head)

        return translate

    def _allows(self, origin: str) -> bool:
        return bool(origin) and ("*" in self.allow_origins or origin in self.allow_origins)

    def _preflight(self, head: RequestHead) -> Fields:
        """What a browser may ask (Fetch standard 3.2.2)."""
        origin, method = head.get("Origin"), head.get("Access-Control-Request-Method").upper()
        fields: Fields = (("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),)
        if not self._allows(origin) or method not in METHODS:
            return fields
        return (
            *fields,
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Methods", method),
            ("Access-Control-Allow-Headers", head.get("Access-Control-Request-Headers")),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Max-Age", MAX_AGE),
        )

    def _shared(self, response: Response, head: RequestHead) -> Response:
        """The answer, which the page that asked may read where its origin is allowed."""
        fields = without(
            response.fields,
            "Access-Control-Allow-Origin",
            "Access-Control-Allow-Credentials",
            "Access-Control-Expose-Headers",
        )
        shown = dict.fromkeys((*(name.lower() for name, _ in fields), "grpc-status", "grpc-message"))
        if "origin" not in members(response.get("Vary")):
            fields = (*fields, ("Vary", "Origin"))
        fields = (*fields, ("Access-Control-Expose-Headers", ", ".join(shown)))
        if self._allows(origin := head.get("Origin")):
            fields += (("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true"))
        return response.with_fields(fields)


def _is_preflight(head: RequestHead) -> bool:
    asked = members(head.get("Access-Control-Request-Headers"))
    named = head.get("Origin") and head.get("Access-Control-Request-Method")
    return head.method == "OPTIONS" and bool(named) and "x-grpc-web" in asked


def _as_grpc(request: Request, kind: str, text: bool) -> Request:
    """As an app of gRPC has it, which tells trailers only to who can take them."""
    rest = kind[len(TEXT if text else WEB) :].removeprefix("-base64" if text else "")
    head = request.head.with_field("Content-Type", GRPC + rest).with_field("TE", "trailers")
    return replace(request, head=head, body=Undone(request.body) if text else request.body)


def _as_web(response: Response, text: bool) -> Response:
    """As gRPC-Web has it; whatever is not gRPC, a page of an error for one, stays as it is."""
    kind = response.get("Content-Type")
    if not kind.lower().startswith(GRPC) or kind.lower().startswith(WEB):
        return response
    fields = with_field(response.fields, "Content-Type", (TEXT if text else WEB) + kind[len(GRPC) :])
    written: Callable[[bytes], bytes] = b64encode if text else bytes
    body = response.body
    made = written(body) if isinstance(body, bytes) else WithTrailers(body, written)
    return replace(response, fields=without(fields, "Content-Length", "Trailer"), body=made)


@dataclass(slots=True, eq=False)
class Undone:
    """Content without its base64."""

    source: Body
    length: int | None = None
    trailers: Fields = ()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        decoder = Decoder()
        async for piece in self.source:
            if data := decoder.feed(piece):
                yield data
        decoder.end()


class WithTrailers(Piped):
    """Content with its trailers as the last frame; each piece goes out as it comes, with its padding."""

    def __init__(self, source: Body, written: Callable[[bytes], bytes]) -> None:
        async def passage(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
            async for piece in pieces:
                yield written(piece)
            if frame := trailers_frame(source.trailers):
                yield written(frame)

        super().__init__(source, passage)

    @property
    def trailers(self) -> Fields:
        return ()
