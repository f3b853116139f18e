"""Not yet: what people bring from Traefik and is not served here; said, never left out in silence.

What only makes a service better is left out with a warning.  What decides who
gets in, or where requests go, is refused: without it something could be open
that was meant to be closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from discovery.declared import Reading
from proxy.problem import Severity
from proxy.schema import Tree, canonical


class Unserved(NamedTuple):
    """`harmless` are values that ask for what is done anyway; `instead` says what happens now."""

    what: str
    instead: str = ""
    harmless: tuple[str, ...] = ()
    severity: Severity = "warning"


_NOTHING = "It changes nothing."


def _refused(what: str, *harmless: str) -> Unserved:
    return Unserved(what, "", harmless, "error")


SERVICES: Mapping[tuple[str, ...], Unserved] = {
    ("loadbalancer", "responseforwarding"): Unserved(
        "What comes from an app is passed on at once.", _NOTHING, severity="notice"
    ),
    ("middlewares",): _refused("Middlewares of a service are not served yet; name them in its routers."),
}
LABELS_ONLY: Mapping[tuple[str, ...], Unserved] = {
    ("loadbalancer", "server", "preservepath"): Unserved(
        "A label names no URL, so there is no path to keep. For a path before that of each request, "
        "use the middleware addPrefix.",
        _NOTHING,
        ("false",),
    ),
    ("loadbalancer", "server", "url"): _refused(
        "A label sends requests to its own container only. Declare the service in a route file (--routes)."
    ),
}
ROUTERS: Mapping[tuple[str, ...], Unserved] = {
    ("observability",): Unserved(
        "Logs and metrics by router are not served yet.", _NOTHING, severity="notice"
    ),
    ("rulesyntax",): _refused("Only rules of version 3 are read.", "v3", "default"),
    ("parentrefs",): _refused("Routers below routers are not served yet."),
}


def without_unserved(
    table: Mapping[tuple[str, ...], Unserved],
    path: Sequence[str],
    tree: Tree,
    reading: Reading,
    consequence: str,
) -> tuple[Tree, bool]:
    """The tree without what is not served, and whether nothing of it may be served."""
    refused = False
    for below, unserved in table.items():
        found, rest, spelled = _taken_out(tree, below)
        if spelled is None or (isinstance(found, str) and found.strip().lower() in unserved.harmless):
            tree = rest if spelled else tree
            continue
        refused |= unserved.severity == "error"
        instead = consequence if unserved.severity == "error" else unserved.instead
        reading.problem((*path, *spelled), unserved.what, instead, unserved.severity)
        tree = rest
    return tree, refused


def _taken_out(tree: Tree, path: tuple[str, ...]) -> tuple[Tree, Tree, tuple[str, ...] | None]:
    """What stands at the path, the tree without it, and how the path is spelled (None: it leads nowhere)."""
    if not isinstance(tree, Mapping):
        return None, tree, None
    key = next((each for each in tree if canonical(str(each)) == path[0]), None)
    if key is None:
        return None, tree, None
    others = {each: below for each, below in tree.items() if each != key}
    if len(path) == 1:
        return tree[key], others, (str(key),)
    found, rest, spelled = _taken_out(tree[key], path[1:])
    return found, {**others, key: rest}, spelled and (str(key), *spelled)
