"""Not needed: words that other programs want to be told, and what Tidegate does without any."""

from __future__ import annotations

from collections.abc import Sequence

from discovery.kinds import DECLARE, instead_of_kind
from discovery.label_text import ROOT
from proxy.schema import canonical

_WEBSOCKETS = "WebSockets pass by themselves. Leave this label away."
_CERTIFICATES = "Certificates come by themselves, and are renewed. Leave this label away."
_REDIRECTED = "Plain HTTP is redirected to HTTPS by itself. Leave this label away."
_BY_ITSELF = {
    **dict.fromkeys(("websocket", "websockets", "ws", "wss", "upgrade"), _WEBSOCKETS),
    **dict.fromkeys(
        ("letsencrypt", "acme", "certresolver", "certificate", "cert", "ssl", "https"), _CERTIFICATES
    ),
    **dict.fromkeys(("forcehttps", "forcessl", "redirecthttps", "httpsredirect"), _REDIRECTED),
}


def instead_of_word(path: Sequence[str]) -> str:
    """What to say of a short label that nobody needs, or that names a kind of middleware; else ""."""
    if len(path) != 1:
        return ""
    if said := _BY_ITSELF.get(canonical(path[0])):
        return said
    instead = instead_of_kind(path[0])
    return (
        f"No short label does that. {instead}, and name it: {ROOT}.middlewares"
        if DECLARE in instead
        else instead
    )
