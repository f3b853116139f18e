"""Route files: routing for what is not a container, from YAML files that are watched.

The same tree as the labels', which is that of Traefik's file provider:

    http:
      routers:
        nas: {rule: Host(`nas.example.com`), service: nas}
      services:
        nas: {loadBalancer: {servers: [{url: "http://192.168.1.10:5000"}]}}

Files are the machine owner's own words, so their servers may be anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from discovery.declared import Reading, Weight, read_middlewares, read_routers, sections
from discovery.fragment import Fragment
from discovery.merge import merge
from discovery.references import plain
from discovery.workers import Workers
from discovery.yaml_tree import BrokenFileError, read_document
from proxy.model import RoutingConfig, Server, Service
from proxy.problem import Problem
from proxy.schema import Tree, canonical, closest, option, options, parse_options

PROVIDER = "file"
LOOK_EVERY = 1.0
SUFFIXES = (".yml", ".yaml")
DEFAULT_PORTS = {"http": 80, "https": 443}


class ServerURL(str):
    """Where a server answers: scheme, host and port."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> ServerURL:
        try:
            parts = urlsplit(text.strip())
            port = parts.port or DEFAULT_PORTS[parts.scheme]
            host = parts.hostname or ""
        except (ValueError, KeyError):
            raise ValueError(f"Expected a URL such as http://192.168.1.10:8080, not {text[:80]!r}.") from None
        if not host or parts.username is not None or parts.query or parts.fragment:
            raise ValueError(
                f"Expected only scheme, host and port, http://192.168.1.10:8080, not {text[:80]!r}."
            )
        if parts.path not in ("", "/"):
            raise ValueError(f"A path is not possible here: {parts.scheme}://{parts.netloc} is all it takes.")
        return cls(f"{parts.scheme} {host} {port}")


@options
class FileServer:
    """One address of a service."""

    url: ServerURL = option(doc="Where it answers.", example="http://192.168.1.10:8080")
    weight: Weight = option(doc="Its share of the requests.", example="2", default=Weight(1))


@options
class FileLoadBalancer:
    """The servers of a service."""

    servers: tuple[FileServer, ...] = option(doc="Its servers.", example="")
    pass_host_header: bool = option(
        doc="Whether the servers see the host name that the visitor typed.", example="false", default=True
    )


@options
class FileService:
    """A named group of servers that answer alike."""

    load_balancer: FileLoadBalancer = option(doc="Its servers.", example="")


@dataclass(frozen=True, slots=True)
class _File:
    """Where things stand in one file."""

    origin: str
    lines: Mapping[tuple[str, ...], int]
    root: tuple[str, ...]
    provider: str = PROVIDER

    def where(self, path: Sequence[str], *, secret: bool = False) -> str:
        full = (*self.root, *(step.lower() for step in path))
        known = next((full[:n] for n in range(len(full), -1, -1) if full[:n] in self.lines), ())
        return f"{self.origin}:{self.lines.get(known, 1)}: {'.'.join(('http', *path))}"


def read_text(text: str, name: str, owner: str = "") -> Fragment:
    """What one file asks for; raises BrokenFileError when it cannot be read at all."""
    document = read_document(text)
    fragment = Fragment(source=name, app=name, owner=owner or name, created=name)
    http, problems = _http_of(document.tree, name, document.lines)
    root = ("tidegate", "http") if ("tidegate", "http") in document.lines else ("http",)
    reading = Reading(_File(name, document.lines, root))
    declared = sections(http, reading)
    services = dict(_read_services(declared["services"], fragment.owner, reading))
    own = [plain(service) for service in services]
    return replace(
        fragment,
        services=services,
        routers=read_routers(declared["routers"], own, reading),
        middlewares=read_middlewares(declared["middlewares"], reading),
        broken=frozenset(reading.broken),
        places=reading.places,
        problems=(*problems, *reading.problems),
    )


def _http_of(tree: Tree, name: str, lines: Mapping[tuple[str, ...], int]) -> tuple[Tree, list[Problem]]:
    """What stands below `http` (or `tidegate.http`); other sections are reported."""
    if tree is None:
        return None, []
    if not isinstance(tree, Mapping):
        return None, [Problem(f"{name}:1", "A route file begins with http:", "The file is ignored.")]
    if [canonical(str(key)) for key in tree] == ["tidegate"]:
        return _http_of(next(iter(tree.values())), name, {path[1:]: n for path, n in lines.items()})
    problems, http = [], None
    for key, below in tree.items():
        if canonical(str(key)) == "http":
            http = below
            continue
        guess = closest(str(key), ["http"])
        hint = 'Did you mean "http"?' if guess else "Known: http."
        where = f"{name}:{lines.get((str(key).lower(),), 1)}: {key}"
        problems.append(Problem(where, f"Tidegate has no such section. {hint}", "The section is ignored."))
    return http, problems


def _read_services(trees: Mapping[str, Tree], owner: str, reading: Reading) -> Iterator[tuple[str, Service]]:
    for name, tree in trees.items():
        asked, flaws = parse_options(FileService, tree)
        reading.flaws(FileService, ("services", name), flaws, f'Service "{name}" has no server.')
        qualified = reading.qualified(name)
        if asked is None:
            yield qualified, Service(qualified)
            continue
        servers = tuple(_server(each, owner) for each in asked.load_balancer.servers)
        yield qualified, Service(qualified, servers, asked.load_balancer.pass_host_header)


def _server(asked: FileServer, owner: str) -> Server:
    scheme, host, port = asked.url.split(" ")
    return Server(owner, _plain_address(host), int(port), scheme, asked.weight)


def _plain_address(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return host


def read_files(path: Path) -> RoutingConfig:
    """What all files ask for now, those that are broken only complained about."""
    shelf = Shelf(path)
    shelf.read()
    return shelf.config()


@dataclass(slots=True)
class Shelf:
    """Files by name: the last content of each that could be read, and what is wrong with it now."""

    path: Path
    signature: tuple[object, ...] | None = None
    good: dict[str, Fragment] = field(default_factory=dict)
    complaints: dict[str, Problem] = field(default_factory=dict)

    def read(self) -> bool:
        """Look at the files; whether anything is different from the last time."""
        found, signature = _look(self.path)
        if signature == self.signature:
            return False
        self.signature = signature
        names = {file.name if file == self.path else str(file.relative_to(self.path)): file for file in found}
        for gone in (self.good.keys() | self.complaints.keys()) - names.keys():
            self.good.pop(gone, None)
            self.complaints.pop(gone, None)
        for name, file in names.items():
            self._read_one(name, file)
        if not names:
            self.complaints[str(self.path)] = _nothing_there(self.path)
        return True

    def _read_one(self, name: str, file: Path) -> None:
        try:
            self.good[name] = read_text(file.read_text(encoding="utf-8"), name, owner=str(file))
            self.complaints.pop(name, None)
        except BrokenFileError as error:
            self.complaints[name] = self._complaint(name, error.line, str(error))
        except (OSError, UnicodeDecodeError) as error:
            self.complaints[name] = self._complaint(name, 1, f"The file cannot be read: {error}.")

    def _complaint(self, name: str, line: int, what: str) -> Problem:
        stays = "What it said before stays in force." if name in self.good else "The file is ignored."
        return Problem(f"{name}:{line}", what, stays)

    def config(self) -> RoutingConfig:
        config = merge(self.good.values())
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


def _is_route_file(path: Path) -> bool:
    return path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _nothing_there(path: Path) -> Problem:
    what = f"There is no file at {path}, nor a .yml or .yaml file below it."
    return Problem(str(path), what, "Nothing is served from files.", "warning")


async def watch_files(path: Path, publish: Callable[[RoutingConfig], None]) -> NoReturn:
    """Publish what the files ask for now, and again whenever they change.

    Looking once a second costs next to nothing and, unlike inotify, works on
    every mount and after every way of replacing a file.
    """
    shelf, worker = Shelf(path), Workers("route-files")
    published: RoutingConfig | None = None
    while True:
        if await worker.run(shelf.read):
            config = await worker.run(shelf.config)
            if config != published:
                publish(config)
                published = config
        await asyncio.sleep(LOOK_EVERY)
