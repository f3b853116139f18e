"""Kinds: what to write for somebody who names a kind of middleware as if it were one."""

from __future__ import annotations

from discovery.label_text import ROOT
from proxy.middlewares import MIDDLEWARES
from proxy.schema import canonical, options_of

_SHORT = {
    "basicauth": f"A password is {ROOT}.auth: NAME:HASH, as `tidegate password NAME` prints it.",
    "ipallowlist": f"Who may visit says {ROOT}.allow: lan, or networks.",
    "ipwhitelist": f"Who may visit says {ROOT}.allow: lan, or networks.",
    "headers": f"A field of each answer is {ROOT}.headers.NAME: VALUE.",
    "stripprefix": f"{ROOT}.strip: true keeps {ROOT}.path from the app.",
    "maintenance": f"{ROOT}.maintenance: true closes a site for a while.",
    "redirectscheme": "Nothing is needed: plain HTTP is redirected to HTTPS.",
}
DECLARE = "Declare it:"
_ALONE = ("compress", "grpcweb", "passtlsclientcert")
"""Those that are complete without an option."""


def instead_of_kind(name: str) -> str:
    """The short label for what this kind does, or the long one that declares it; "" where it is no kind."""
    kind = canonical(name)
    if kind in _SHORT:
        return _SHORT[kind]
    if kind not in MIDDLEWARES:
        return ""
    return f"{DECLARE} {declaration(name, kind)}"


def declaration(name: str, kind: str) -> str:
    """The long label that makes a middleware of this kind, with an example."""
    label = f"{ROOT}.http.middlewares.{name}.{kind}"
    known = options_of(MIDDLEWARES[kind]).values()
    first = next((each for each in known if each.required), next(iter(known), None))
    if kind in _ALONE or first is None:
        return f"{label}: true"
    return f"{label}.{first.name}: {'...' if first.secret else first.example}"
