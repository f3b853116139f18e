"""Pathname: a request's path as people write prefixes and expressions for it, and another in its place."""

from __future__ import annotations

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

from proxy.exchange import RequestHead, Response
from proxy.pages import page
from proxy.target import normal_path

_PLAIN = "$&+,/:;=@-._~"
"""What Go leaves as it is in a path; the rest it escapes."""
_UNFIT = re.compile(r"%(?![0-9A-Fa-f]{2})|[^!-~]|[\"#<>?\[\\\]^`{|}]")
_DOTS = re.compile(r"(?:/|\\|%2F|%5C)\.\.?(?:$|/|;|\\|%2F|%5C|%3B)", re.IGNORECASE)


def decoded(path: str) -> str:
    """All escapes decoded: one character a byte."""
    return unquote_to_bytes(path.encode("latin-1")).decode("latin-1") if "%" in path else path


def as_expressions_see_it(path: str) -> str:
    """Decoded where that loses nothing, else as it came; Traefik's rule, which expressions rely on."""
    plain = decoded(path)
    return plain if quote_from_bytes(plain.encode("latin-1"), _PLAIN) == path else path


def escaped(text: str) -> str:
    """A text (one character a byte) as a path: what no path holds is escaped, escapes stay."""
    return _UNFIT.sub(lambda found: f"%{ord(found[0]):02X}", text)


def cut_prefix(path: str, prefix: str) -> str | None:
    """What follows the (decoded) prefix in the path, or None where it does not begin so."""
    if "%" not in path[: len(prefix)]:
        return path[len(prefix) :] if path.startswith(prefix) else None
    at = 0
    for character in prefix:
        if path[at : at + 1] == "%":
            same, at = path[at + 1 : at + 3].upper() == f"{ord(character):02X}", at + 3
        else:
            same, at = path[at : at + 1] == character, at + 1
        if not same:
            return None
    return path[at:]


def with_path(request: RequestHead, path: str) -> RequestHead | Response:
    """The request for another path; 400 where dots would lead out of it.

    `/api../admin` is harmless until `/api` is cut off: the app must never read
    another path than the one that rules and guards have seen.
    """
    path = path if path.startswith("/") else "/" + path
    if "." in path and _DOTS.search(path):
        return page(400, request)
    mark = "?" if "?" in request.target else ""
    return request.at(f"{normal_path(path)}{mark}{request.query}")
