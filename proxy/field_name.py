"""Field name: whether people may name a header field so, and what it would do."""

from __future__ import annotations

import re

from proxy.schema import quote

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
