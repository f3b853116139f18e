"""TLS options: the sets declared below `tls.options` by labels and route files, and how routers name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discovery.declared import Reading
from discovery.label_text import PROVIDER as LABELS
from proxy.schema import Tree, canonical, closest, parse_options
from proxy.securing import DEFAULT_OF_FILES
from proxy.tls_options import DEFAULT, TLSOptions

NO_FILES = (
    "A label cannot name a file of this machine. Write the certificate itself here, as PEM text, or declare "
    "the set in a route file (--routes), and refer to it as {name}@file."
)
NOT_BY_LABEL = "The default is for all sites, so only a route file can say it."
USUAL_NAMES = (DEFAULT, DEFAULT_OF_FILES, f"{DEFAULT}@internal")


def read_tls_options(tls: Tree, reading: Reading) -> dict[str, TLSOptions | None]:
    """By qualified name; None for a set with a mistake: what refers to it is not served without it."""
    found: dict[str, TLSOptions | None] = {}
    for key, below in _children(tls):
        if canonical(key) != "options":
            hint = ' Did you mean "options"?' if closest(key, ["options"]) else ""
            what = f"Certificates are chosen by the names in rules; only options are read here.{hint}"
            reading.problem(("tls", key), what, "What stands below it is ignored.", "warning")
            continue
        for name, tree in _children(below):
            found[reading.qualified(name)] = _read(key, name, tree, reading)
    return found


def _read(key: str, name: str, tree: Tree, reading: Reading) -> TLSOptions | None:
    path = ("tls", key, name)
    consequence = f'Routers that use TLS options "{name}" answer 503.'
    reading.places[reading.qualified(name), "tls.options"] = reading.source.where(path)
    if not name or "@" in name:
        what = 'A name is not empty and has no "@"; what follows an "@" says where a name was declared.'
        reading.problem(path, what, consequence)
        return None
    asked, flaws = parse_options(TLSOptions, {} if tree is None else tree)
    reading.flaws(TLSOptions, path, flaws, consequence)
    if asked is None:
        if not flaws:
            reading.problem(path, "They are switched off.", consequence, "warning")
        return None
    if reading.source.provider == LABELS:
        if name == DEFAULT:
            reading.problem(path, NOT_BY_LABEL, consequence)
            return None
        if not all(each.is_text for each in asked.client_auth.ca_files):
            # Labels come with images: one could have any file of this machine looked into.
            reading.problem((*path, "clientAuth", "caFiles"), NO_FILES.format(name=name), consequence)
            return None
    return asked


def options_meant(name: str, own: Mapping[str, TLSOptions | None], reading: Reading) -> str | TLSOptions:
    """What a router's word stands for: a set of its own container, or the name of one of a route file.

    A container's sets are its own, so no image can loosen or take what another one relies on.
    """
    if name in USUAL_NAMES:
        return DEFAULT_OF_FILES
    qualified = reading.qualified(name)
    if reading.source.provider == LABELS and qualified in own:
        return own[qualified] or qualified
    return name if "@" in name else f"{name}@file"


def _children(tree: Tree) -> Iterator[tuple[str, Tree]]:
    if isinstance(tree, Mapping):
        yield from ((str(key), below) for key, below in tree.items() if key != "")
