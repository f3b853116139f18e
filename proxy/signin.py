"""Sign-in: what a middleware says and passes on when it asks who a visitor is (RFC 9110 11)."""

from __future__ import annotations

from dataclasses import replace

from proxy.exchange import RequestHead, Response
from proxy.field_name import without_alike
from proxy.matchers import as_bytes
from proxy.pages import page

SENTENCE = "Please sign in to visit this site."


def quoted(text: str) -> str:
    """A quoted-string (RFC 9110 5.6.4)."""
    plain = "".join(character for character in text if character.isprintable())
    return '"' + as_bytes(plain).replace("\\", "\\\\").replace('"', '\\"') + '"'


def challenge(request: RequestHead, how: str) -> Response:
    refusal = page(401, request, SENTENCE)
    return replace(refusal, fields=(*refusal.fields, ("WWW-Authenticate", how)))


def signed_in(request: RequestHead, user: str, header: str, *, remove: bool) -> RequestHead:
    """The request as the app gets it: with the visitor's name, maybe without what proved it."""
    if remove:
        request = request.without("Authorization")
    if not header:
        return request
    return request.with_fields((*without_alike(request.fields, header), (header, as_bytes(user))))
