"""Declared: what labels and files alike declare below `http`.

The trees come from labels or from YAML; `Source` knows where each value stands,
so that a mistake is shown where its owner wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from proxy.certifying import Resolvers
from proxy.exchange import Middleware
from proxy.middlewares import MIDDLEWARES
from proxy.model import Withheld
from proxy.problem import Problem, Severity
from proxy.reference import MiddlewareName, ServiceName, files_named, renamed
from proxy.schema import Flaw, Tree, Unfit, canonical, closest, options_of, parse_options

NO_FILES = (
    "A label cannot name a file of this machine. Declare the middleware in a route file (--routes), "
    "and refer to it as {name}@file."
)
SECTIONS = ("routers", "services", "middlewares")
FILES_ONLY = ("serverstransports",)


BY_FILE = (
    "Transports with names are declared in route files. Of a label's own service, say it there: "
    "loadBalancer.transport.insecureSkipVerify=true"
)
NOT_YET = {
    "ipwhitelist": 'Version 3 calls it "ipAllowList".',
    "plugin": "Plugins of Traefik are not served.",
}
"""Kinds of middleware that people bring; what uses one answers 503 like any that is broken."""


SAME_AS = {"grpc": "h2c"}
"""What nginx calls it: gRPC is HTTP/2."""


class Weight(int):
    """A server's share of the requests."""

    @classmethod
    def parse(cls, text: str) -> Weight:
        if not re.fullmatch("[0-9]{1,4}", text) or int(text) > 1_000:
            raise Unfit("a weight between 0 and 1000", text)
        return cls(text)


class Scheme(str):
    """How a server is spoken to."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Scheme:
        scheme = SAME_AS.get(text.lower(), text.lower())
        if scheme not in ("http", "https", "h2c"):
            raise Unfit("http, https or h2c", text)
        return cls(scheme)


class Source(Protocol):
    """Who declares, and where."""

    @property
    def provider(self) -> str: ...
    @property
    def origin(self) -> str: ...
    def where(self, path: Sequence[str], *, secret: bool = False) -> str:
        """The place of the value at `path` below `http`, as its owner can search for it."""


@dataclass(slots=True)
class Reading:
    """What has been read from one source so far."""

    source: Source
    problems: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    withheld: list[Withheld] = field(default_factory=list)
    resolvers: Resolvers = field(default_factory=Resolvers)
    strays: list[tuple[str, Tree]] = field(default_factory=list)
    """What stands below a section that nobody knows, and may be a router."""

    def qualified(self, name: str) -> str:
        return name if "@" in name else f"{name}@{self.source.provider}"

    def problem(
        self,
        path: Sequence[str],
        what: str,
        consequence: str,
        severity: Severity = "error",
        *,
        secret: bool = False,
    ) -> None:
        where = self.source.where(path, secret=secret)
        self.problems.append(Problem(where, what, consequence, severity))

    def flaws(self, cls: type, path: Sequence[str], flaws: Sequence[Flaw], consequence: str) -> None:
        for flaw in flaws:
            self.problem((*path, *flaw.path), flaw.what, consequence, secret=_may_be_secret(cls, flaw.path))


def sections(tree: Tree, reading: Reading) -> dict[str, Mapping[str, Tree]]:
    """Routers, services and middlewares by name; what cannot be one of them is reported."""
    found: dict[str, Mapping[str, Tree]] = {section: {} for section in (*SECTIONS, *FILES_ONLY)}
    for key, below in _children(tree):
        section = canonical(key)
        if section in FILES_ONLY and reading.source.provider == "docker":
            reading.problem((key,), BY_FILE, "What stands below it is ignored.")
            continue
        if section not in found:
            guess = closest(key, SECTIONS)
            hint = f'Did you mean "{guess}"?' if guess else f"Known: {', '.join(SECTIONS)}."
            reading.problem(
                (key,), f'There is no "{key[:40]}" here. {hint}', "What stands below it is ignored."
            )
            if guess in (None, "routers"):
                reading.strays += _children(below)
            continue
        found[section] = dict(_named(section, key, below, reading))
    return found


def _named(section: str, key: str, below: Tree, reading: Reading) -> Iterator[tuple[str, Tree]]:
    for name, tree in _children(below):
        if not name or "@" in name:
            what = 'A name is not empty and has no "@"; what follows an "@" says where a name was declared.'
            reading.problem((key, name), what, f'"{name[:40]}" is ignored.')
        else:
            yield name, tree


def _children(tree: Tree) -> Iterator[tuple[str, Tree]]:
    if isinstance(tree, Mapping):
        yield from ((str(key), below) for key, below in tree.items() if key != "")


def read_middlewares(trees: Mapping[str, Tree], reading: Reading) -> dict[str, Middleware]:
    found = {}
    for name, tree in trees.items():
        middleware = _read_middleware(name, tree, reading)
        if middleware is None:
            reading.broken.add(reading.qualified(name))
        else:
            named = renamed(middleware, MiddlewareName, reading.qualified)
            found[reading.qualified(name)] = renamed(named, ServiceName, reading.qualified)
    return found


def _read_middleware(name: str, tree: Tree, reading: Reading) -> Middleware | None:
    path = ("middlewares", name)
    consequence = f'Middleware "{name}" is off; routers that use it answer 503.'
    kinds = list(_children(tree))
    if len(kinds) != 1:
        named = ", ".join(kind for kind, _ in kinds) or "none"
        what = f"A middleware has one type, this one has {named}. Known: {', '.join(_kinds())}."
        reading.problem(path, what, consequence)
        return None
    [(kind, below)] = kinds
    cls = MIDDLEWARES.get(canonical(kind))
    if cls is None:
        guess = closest(kind, _kinds())
        hint = f'Did you mean "{guess}"?' if guess else f"Known: {', '.join(_kinds())}."
        what = NOT_YET.get(canonical(kind)) or f'There is no middleware type "{kind[:40]}". {hint}'
        reading.problem((*path, kind), what, consequence, secret=_may_hold_secret(below))
        return None
    middleware, flaws = parse_options(cls, below)
    reading.flaws(cls, (*path, kind), flaws, consequence)
    if middleware is None and not flaws:
        reading.problem((*path, kind), "It is switched off.", consequence, "warning")
    if reading.source.provider == "docker" and any(files_named(middleware)):
        # Labels come with images: one could have any file of this machine looked into.
        reading.problem((*path, kind), NO_FILES.format(name=name), consequence)
        return None
    return middleware


def _kinds() -> tuple[str, ...]:
    return tuple(sorted(MIDDLEWARES))


def _may_hold_secret(below: Tree) -> bool:
    """Whether a message must not show what stands below a kind that is none: shown is what no kind hides."""
    for word, value in _children(below):
        named = [opt for cls in MIDDLEWARES.values() for opt in options_of(cls).values()]
        meant = [opt for opt in named if canonical(opt.name) == canonical(word)]
        if isinstance(value, Mapping) or not meant or any(opt.secret for opt in meant):
            return True
    return not isinstance(below, Mapping)


def _may_be_secret(cls: type, path: Sequence[str]) -> bool:
    """Whether the value there may be one that no message shows.

    A name that is wrong could have been meant for the secret option next to it.
    """
    known = {canonical(opt.name): opt for opt in options_of(cls).values()}
    if not path:
        return any(opt.secret for opt in known.values())
    opt = known.get(canonical(path[0]))
    return opt.secret if opt else any(each.secret for each in known.values())
