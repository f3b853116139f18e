"""Route files: a YAML file, or a directory of them, that is watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from discovery.fragment import Fragment
from discovery.merge import merge
from discovery.route_file import NO_NAMED, read_text
from discovery.workers import Workers
from discovery.yaml_tree import BrokenFileError
from proxy.certifying import Resolvers
from proxy.model import RoutingConfig
from proxy.problem import Problem
from proxy.tls_options import Authority, TLSOptions

LOOK_EVERY = 1.0
SUFFIXES = (".yml", ".yaml")


def read_files(path: Path, resolvers: Resolvers = NO_NAMED) -> RoutingConfig:
    """What all files ask for now, those that are broken only complained about."""
    shelf = Shelf(path, resolvers)
    shelf.read()
    return shelf.config()


@dataclass(slots=True)
class Shelf:
    """Files by name: the last content of each that could be read, and what is wrong with it now."""

    path: Path
    resolvers: Resolvers = NO_NAMED
    signature: tuple[object, ...] | None = None
    good: dict[str, Fragment] = field(default_factory=dict)
    complaints: dict[str, Problem] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    """Files that they name, whose content counts as theirs."""

    def read(self) -> bool:
        """Look at the files; whether anything is different from the last time."""
        found, signature = _look(self.path)
        signature = (*signature, *_look_at(self.named))
        if signature == self.signature:
            return False
        names = {file.name if file == self.path else str(file.relative_to(self.path)): file for file in found}
        for gone in (self.good.keys() | self.complaints.keys()) - names.keys():
            self.good.pop(gone, None)
            self.complaints.pop(gone, None)
        for name, file in names.items():
            self._read_one(name, file)
        if not names:
            self.complaints[str(self.path)] = _nothing_there(self.path)
        before, self.named = (
            self.named,
            frozenset(name for each in self.good.values() for name in named_by(each)),
        )
        if self.named != before:
            signature = (*_look(self.path)[1], *_look_at(self.named))
        self.signature = signature
        return True

    def _read_one(self, name: str, file: Path) -> None:
        try:
            self.good[name] = read_text(file.read_text(encoding="utf-8"), name, str(file), self.resolvers)
            self.complaints.pop(name, None)
        except BrokenFileError as error:
            self.complaints[name] = self._complaint(name, error.line, str(error))
        except (OSError, UnicodeDecodeError) as error:
            self.complaints[name] = self._complaint(name, 1, f"The file cannot be read: {error}.")

    def _complaint(self, name: str, line: int, what: str) -> Problem:
        stays = "What it said before stays in force." if name in self.good else "The file is ignored."
        return Problem(f"{name}:{line}", what, stays)

    def config(self) -> RoutingConfig:
        config = merge(map(with_authorities, self.good.values()))
        return replace(config, problems=(*self.complaints.values(), *config.problems))


def _look(path: Path) -> tuple[list[Path], tuple[object, ...]]:
    """The files, and what changes when any of them is written, replaced or removed.

    Inode and size beside the time: editors replace files, and two writes can
    fall into one tick of the clock.
    """
    files = sorted(each for each in path.rglob("*") if _is_route_file(each)) if path.is_dir() else [path]
    found, signature = [], []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue  # removed meanwhile
        found.append(file)
        signature.append((str(file), status.st_mtime_ns, status.st_size, status.st_ino))
    return found, tuple(signature)


def _look_at(names: Iterable[str]) -> tuple[object, ...]:
    """The same for single files; one that is not there is worth noting."""
    found: list[object] = []
    for name in sorted(names):
        try:
            status = Path(name).stat()
            found.append((name, status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append((name,))
    return tuple(found)


def named_by(fragment: Fragment) -> Iterator[str]:
    """The files of authorities for clients."""
    for options in fragment.tls_options.values():
        yield from (each for each in options.client_auth.ca_files if not each.is_text) if options else ()


def with_authorities(fragment: Fragment) -> Fragment:
    """The fragment with what stands in those files; a set whose file cannot be used is one with a mistake."""
    problems: list[Problem] = []
    found: dict[str, TLSOptions | None] = {}
    for name, options in fragment.tls_options.items():
        try:
            found[name] = _filled(options) if options else None
        except (OSError, ValueError) as error:
            found[name] = None
            plain = name.partition("@")[0]
            what = f"A file of authorities cannot be used: {error}"
            where = fragment.places[name, "tls.options"]
            problems.append(Problem(where, what, f'Routers that use TLS options "{plain}" answer 503.'))
    return replace(fragment, tls_options=found, problems=(*fragment.problems, *problems))


def _filled(options: TLSOptions) -> TLSOptions:
    clients = options.client_auth
    return replace(options, client_auth=replace(clients, ca_files=tuple(map(_content, clients.ca_files))))


def _content(named: Authority) -> Authority:
    if named.is_text:
        return named
    content = Authority(Path(named).read_text(encoding="ascii", errors="replace"))
    try:
        content.check()
    except ValueError as error:
        raise ValueError(f"{named}: {error}") from None
    return content


def _is_route_file(path: Path) -> bool:
    return path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _nothing_there(path: Path) -> Problem:
    what = f"There is no {'.yml or .yaml file below' if path.is_dir() else 'file at'} {path}."
    return Problem(str(path), what, "Nothing is served from files.", "warning")


async def watch_files(
    path: Path, publish: Callable[[RoutingConfig], None], resolvers: Resolvers = NO_NAMED
) -> NoReturn:
    """Publish what the files ask for now, and again whenever they change.

    Looking once a second costs next to nothing and, unlike inotify, works on
    every mount and after every way of replacing a file.
    """
    shelf, worker = Shelf(path, resolvers), Workers("route-files")
    published: RoutingConfig | None = None
    while True:
        if await worker.run(shelf.read):
            config = await worker.run(shelf.config)
            if config != published:
                publish(config)
                published = config
        await asyncio.sleep(LOOK_EVERY)
