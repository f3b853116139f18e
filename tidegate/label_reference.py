"""Label reference: every label that Tidegate knows, from the same declarations that read them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from discovery.container_services import ServiceOptions
from discovery.dialects.short import ShortLabels
from discovery.routers import RouterOptions
from proxy.middlewares import MIDDLEWARES
from proxy.schema import reference

HEAD = "| label | meaning | default | example |\n| --- | --- | --- | --- |"

INTRODUCTION = """\
# Labels

A container is served when its labels say for which host. Names of options may be written in any case; names
of your own (`blog` below) keep theirs. In a compose file a `$` is written `$$`. Route files (`--routes`) take
the long form as a tree, with `http` at its top.

This page is printed by `tidegate labels`.
"""

SHORT = """
## Short labels

One word for what home servers do. They stand for long labels; both may be used on one container.
"""

LONG = """
## Routers and services

`blog` is a name that you choose. A router without `service` uses the container's only one.
"""

MIDDLEWARE = """
## Middlewares

Declared as `tidegate.http.middlewares.NAME.TYPE.OPTION`, and used by a router that lists their names in
`middlewares`: requests pass them in that order. A router whose middleware is missing or broken answers 503.
"""


def labels_page() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield INTRODUCTION + SHORT
    yield from _table(ShortLabels, "tidegate")
    yield LONG
    yield from _table(RouterOptions, "tidegate.http.routers.blog")
    yield ""
    yield from _table(ServiceOptions, "tidegate.http.services.blog")
    yield MIDDLEWARE.rstrip()
    for _, declared in sorted(MIDDLEWARES.items()):
        kind = spelled(declared.__name__)
        yield f"\n### {kind}\n\n{(declared.__doc__ or '').partition(chr(10))[0]}\n"
        yield from _table(declared, f"tidegate.http.middlewares.NAME.{kind}")


def _table(declared: type, prefix: str) -> Iterator[str]:
    yield HEAD
    yield from reference(declared, prefix)


def spelled(class_name: str) -> str:
    """`IPAllowList` as labels usually spell it: ipAllowList."""
    return re.sub("^[A-Z]+(?=[A-Z][a-z])|^[A-Z]", lambda start: start[0].lower(), class_name)
