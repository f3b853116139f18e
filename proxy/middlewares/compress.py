"""compress: make answers smaller on their way, for clients that can undo it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace

from proxy.encoding import ENCODERS, Coding, Encoder, available, choose
from proxy.exchange import BodyMiddleware, Fields, Handler, Request, Response, get, with_field, without
from proxy.frozen import frozen
from proxy.media_type import is_among
from proxy.piping import Piped
from proxy.schema import option, options
from proxy.surroundings import Surroundings

INLINE = 16 * 1024
"""Bytes that are encoded on the loop: a larger piece takes longer than a thread's time to begin."""


@options
class Compress:
    """Compress what is large enough and not compressed already."""

    encodings: tuple[Coding, ...] = option(
        doc="Codings, the first is taken where a client likes several alike.",
        example="br, gzip",
        default=("gzip", "br", "zstd"),
    )
    excluded_content_types: tuple[str, ...] = option(
        doc="Types that are left alone.", example="image/png, font/woff2", default=()
    )
    included_content_types: tuple[str, ...] = option(
        doc="Only these types are compressed.", example="text/html, application/json", default=()
    )
    min_response_body_bytes: int = option(doc="Smaller answers are left alone.", example="1200", default=1024)
    default_encoding: Coding | None = option(
        doc="The coding for clients that say nothing, or that they take any.", example="gzip", default=None
    )

    def __post_init__(self) -> None:
        if self.excluded_content_types and self.included_content_types:
            raise ValueError("Choose one of excludedContentTypes and includedContentTypes.")
        if not self.encodings:
            raise ValueError("encodings names none. Example: br, gzip")
        if self.default_encoding and self.default_encoding not in self.encodings:
            raise ValueError("defaultEncoding is one of encodings.")
        if self.min_response_body_bytes < 0:
            raise ValueError("minResponseBodyBytes is no negative number.")

    def begin(self, around: Surroundings) -> BodyMiddleware:
        return Compressor(self, available(self.encodings), around)

    def takes(self, kind: str) -> bool:
        if self.included_content_types:
            return is_among(kind, self.included_content_types)
        return not is_among(kind, self.excluded_content_types)


@frozen
class Compressor:
    options: Compress
    codings: tuple[Coding, ...]
    around: Surroundings

    def wrap(self, next_handler: Handler) -> Handler:
        async def compress(request: Request) -> Response:
            coding = self._choose(request)
            response = await next_handler(request)
            if coding is None or not self._may_be_encoded(response):
                return response
            length = len(response.body) if isinstance(response.body, bytes) else response.body.length
            varied = replace(response, fields=_vary(response.fields))
            # Of an answer without a length nobody knows the size, and waiting would hold events back.
            if length is not None and length < max(self.options.min_response_body_bytes, 1):
                return varied
            return await self._encoded(varied, coding)

        return compress

    def _choose(self, request: Request) -> Coding | None:
        kind = request.head.get("Content-Type")
        if request.head.method == "HEAD" or is_among(kind, ("application/grpc",)):
            return None
        if self.options.excluded_content_types and kind and not self.options.takes(kind):
            return None
        default = self.options.default_encoding
        if any(name.lower() == "accept-encoding" for name, _ in request.head.fields):
            return choose(request.head.get("Accept-Encoding"), self.codings, default)
        return choose("*", self.codings, default) if default else None

    def _may_be_encoded(self, response: Response) -> bool:
        if response.status < 200 or response.status in (204, 206, 304) or response.upgraded:
            return False
        if response.get("Content-Encoding") or response.get("Content-Range"):
            return False
        if "no-transform" in response.get("Cache-Control").lower():  # RFC 9110 7.7
            return False
        return self.options.takes(response.get("Content-Type"))

    async def _encoded(self, response: Response, coding: Coding) -> Response:
        encoder = ENCODERS[coding]()
        dressed = replace(response, fields=_encoded_fields(response.fields, coding))
        if isinstance(response.body, bytes):
            return replace(dressed, body=await self._piece(encoder, response.body) + encoder.end())

        async def passage(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
            async for piece in pieces:
                yield await self._piece(encoder, piece)
            yield encoder.end()

        return replace(dressed, body=Piped(response.body, passage))

    async def _piece(self, encoder: Encoder, data: bytes) -> bytes:
        if len(data) <= INLINE:
            return encoder.piece(data)
        return await self.around.aside(lambda: encoder.piece(data))


def _vary(fields: Fields) -> Fields:
    """Caches must not hand one client's coding to another (RFC 9110 12.5.5)."""
    varies = get(fields, "Vary")
    if "accept-encoding" in varies.lower() or varies.strip() == "*":
        return fields
    return (*fields, ("Vary", "Accept-Encoding"))


def _encoded_fields(fields: Fields, coding: Coding) -> Fields:
    fields = without(fields, "Content-Length", "Accept-Ranges", "Content-MD5")
    tag = get(fields, "ETag")
    if tag.startswith('"'):  # no longer the same bytes (RFC 9110 8.8.1)
        fields = with_field(fields, "ETag", f"W/{tag}")
    return (*fields, ("Content-Encoding", coding))
