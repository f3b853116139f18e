"""Pages: what a visitor sees where no app answers.

One plain sentence, as HTML for browsers, JSON for programs that ask for it,
else text.  The owner may have HTML of his own (`furnish`).  No version, address,
name of a container or cause: those are for the owner, in the log and on the dashboard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import TypeAlias

from proxy.exchange import Fields, RequestHead, Response

SENTENCES: Mapping[int, str] = {
    400: "This request cannot be understood.",
    403: "You may not visit this site from your address.",
    404: "No site has this name here.",
    408: "Your request took too long to arrive.",
    413: "This request is too large.",
    414: "This address is too long.",
    421: "This site is not served over this connection.",
    429: "Too many requests. Please wait a moment.",
    431: "The headers of this request are too large.",
    500: "Something went wrong here.",
    501: "This kind of request is not served here.",
    502: "This site's server gave no proper answer.",
    503: "This site is not available at the moment. Please try again soon.",
    504: "This site's server did not answer in time.",
    505: "This version of HTTP is not served here.",
}
STARTING = "This site is just starting. Please try again in a moment."
DOWN = "This site is down at the moment. Please try again soon."
BUSY = "This site has very many visitors at the moment. Please try again soon."
NOT_SET_UP = "This site is not set up correctly; its owner can see why in Tidegate."
RETRY_AFTER = "5"  # seconds; a container's restart takes about as long
_HTML = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html {{ color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }}
body {{ display: grid; place-content: center; min-height: 90vh; margin: 0 1.5rem; text-align: center }}
p:last-child {{ opacity: 0.6; font-size: 0.8em }}
</style>
<main>
<p>{sentence}</p>
<p>{title}</p>
</main>
</html>
"""


Own: TypeAlias = Mapping[str, str]
"""The owner's pages, by status as in `404`, or by class as in `5xx`."""
_PLACEHOLDER = re.compile(r"\{\{ *(status|title|message) *\}\}")


class _Furniture:
    """The one place where the owner's pages stand: they are everybody's, and swapped in one assignment."""

    own: Own = MappingProxyType({})


def furnish(own: Own) -> None:
    """Show these pages from now on."""
    _Furniture.own = dict(own)


def page(status: int, head: RequestHead | None, detail: str = "") -> Response:
    """The answer with this status; `detail` is a sentence for the visitor instead of the usual one."""
    reason = phrase(status)
    sentence = detail or SENTENCES.get(status) or f"{reason}."
    accept = head.get("Accept").lower() if head else ""
    own = _own_page(status) if "text/html" in accept else ""
    if own:
        kind, body = "text/html; charset=utf-8", _filled(own, status, reason, sentence)
    else:
        kind, body = _written(status, reason, sentence, accept)
    fields: Fields = (
        ("Content-Type", kind),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    )
    if not own:  # what a page of the owner's may load is his affair
        fields += (("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),)
    if status == 503:
        fields += (("Retry-After", RETRY_AFTER),)
    return Response(status, fields, reason, body=body.encode())


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _own_page(status: int) -> str:
    own = _Furniture.own
    return (own.get(str(status)) or own.get(f"{status // 100}xx", "")) if own else ""


def _filled(own: str, status: int, reason: str, sentence: str) -> str:
    from html import escape

    told = {"status": str(status), "title": f"{status} {reason}", "message": sentence}
    return _PLACEHOLDER.sub(lambda found: escape(told[found[1]]), own)


def _written(status: int, reason: str, sentence: str, accept: str) -> tuple[str, str]:
    if "text/html" in accept:
        from html import escape  # a quarter of a megabyte, for names of characters that are never needed

        text = _HTML.format(title=escape(f"{status} {reason}"), sentence=escape(sentence))
        return "text/html; charset=utf-8", text
    if "json" in accept:
        return "application/json", json.dumps({"status": status, "message": sentence}) + "\n"
    return "text/plain; charset=utf-8", sentence + "\n"
