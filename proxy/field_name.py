"""Field name: whether people may name a header field so, and what it would do."""

from __future__ import annotations

import re

from proxy.exchange import Fields
from proxy.schema import quote

_ODD = re.compile("[^a-z0-9-]")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
FRAMING = frozenset(
    ("connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip


def is_token(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Refuse what would be no field, or one that belongs to the connection; empty means none."""
    if name and not is_token(name):
        raise ValueError(f"{quote(name)} is not the name of a header field.")
    if name.lower() in FRAMING:
        raise ValueError(f"{name} belongs to the connection and is set by the proxy.")


def meaning(name: str) -> str:
    """What CGI, WSGI and PHP make of a name: to them `X_User` and `X-User` are the same field."""
    return _ODD.sub("-", name.lower())


def without_alike(fields: Fields, name: str) -> Fields:
    """`fields` without any line that an app could take for one of this name."""
    return tuple(line for line in fields if meaning(line[0]) != meaning(name))
