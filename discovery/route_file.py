"""Route file: what one YAML file asks for.

The same tree as the labels', which is that of Traefik's file provider:

    http:
      routers:
        nas: {rule: Host(`nas.example.com`), service: nas}
      services:
        nas: {loadBalancer: {servers: [{url: "http://192.168.1.10:5000"}]}}

Files are the machine owner's own words, so their servers may be anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from discovery.composites import MadeOfOthers, Reached, balanced, composite, read_transports, transport_of
from discovery.declared import Reading, Weight, read_middlewares, sections
from discovery.fragment import Fragment
from discovery.not_yet import SERVICES, without_unserved
from discovery.references import plain
from discovery.routers import read_routers
from discovery.tls_options import read_tls_options
from discovery.yaml_tree import read_document
from proxy.certifying import Resolvers
from proxy.frozen import frozen
from proxy.model import Server, Service
from proxy.problem import Problem
from proxy.schema import Tree, canonical, closest, option, options, parse_options

PROVIDER = "file"
NO_NAMED = Resolvers()
DEFAULT_PORTS = {"http": 80, "https": 443, "h2c": 80}


LONGEST_SOCKET = 107
"""Octets of a socket's path (sockaddr_un)."""


@frozen
class ServerURL:
    """Where a server answers: scheme, host and port, or a socket's file; and the path that it has there."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> ServerURL:
        if text.startswith("unix:"):
            return cls("http", _socket_file(text), 0)
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
        path = parts.path.rstrip("/")
        if not re.fullmatch(r"(/[\x21-\x7e]*)?", path) or any(
            part in (".", "..") for part in path.split("/")
        ):
            raise ValueError(f"Expected a plain path such as /app, not {path[:80]!r}.")
        return cls(parts.scheme, host, port, path)


def _socket_file(text: str) -> str:
    path = text.removeprefix("unix:")
    path = path[2:] if path.startswith("///") else path
    if not path.startswith("/") or path.startswith("//") or "\0" in path:
        raise ValueError(
            f"Expected the whole path of a socket such as unix:///run/app.sock, not {text[:80]!r}."
        )
    if len(path.encode()) > LONGEST_SOCKET:
        raise ValueError(f"A socket's path has at most {LONGEST_SOCKET} bytes.")
    return path


@options
class FileServer:
    """One address of a service."""

    url: ServerURL = option(
        doc="Where it answers; a socket of this machine is unix:///run/app.sock.",
        example="http://192.168.1.10:8080",
    )
    preserve_path: bool = option(
        doc="Whether the path of the URL stands before that of each request.", example="true", default=False
    )
    weight: Weight = option(doc="Its share of the requests; 0 is none.", example="2", default=Weight(1))

    def __post_init__(self) -> None:
        if self.url.path and not self.preserve_path:
            raise ValueError(
                f"The path {self.url.path[:80]} would be left out. Write preservePath: true beside it, "
                "so that it stands before the path of each request, or leave it away."
            )


@options
class FileLoadBalancer(Reached):
    """The servers of a service."""

    servers: tuple[FileServer, ...] = option(doc="Its servers.", example="")
    pass_host_header: bool = option(
        doc="Whether the servers see the host name that the visitor typed.", example="false", default=True
    )


@options
class FileService(MadeOfOthers):
    """A named group of servers that answer alike, or of services."""

    load_balancer: FileLoadBalancer | None = option(doc="Its servers.", example="", default=None)

    def __post_init__(self) -> None:
        if self.kinds + (self.load_balancer is not None) != 1:
            raise ValueError("A service is one of loadBalancer, weighted, failover, mirroring.")


@frozen
class _File:
    """Where things stand in one file."""

    origin: str
    lines: Mapping[tuple[str, ...], int]
    root: tuple[str, ...]
    provider: str = PROVIDER

    def where(self, path: Sequence[str], *, secret: bool = False) -> str:
        of_tls = path[:1] == ("tls",)
        full = (*(self.root[:-1] if of_tls else self.root), *(step.lower() for step in path))
        known = next((full[:n] for n in range(len(full), -1, -1) if full[:n] in self.lines), ())
        return f"{self.origin}:{self.lines.get(known, 1)}: {'.'.join(path if of_tls else ('http', *path))}"


def read_text(text: str, name: str, owner: str = "", resolvers: Resolvers = NO_NAMED) -> Fragment:
    """What one file asks for; raises BrokenFileError when it cannot be read at all."""
    document = read_document(text)
    fragment = Fragment(source=name, app=name, owner=owner or name, created=name)
    http, tls, problems = _http_of(document.tree, name, document.lines)
    root = ("tidegate", "http") if ("tidegate",) in document.lines else ("http",)
    reading = Reading(_File(name, document.lines, root), resolvers=resolvers)
    declared = sections(http, reading)
    tls_options = read_tls_options(tls, reading)
    services = dict(read_services(declared["services"], fragment.owner, reading))
    own = [plain(service) for service in services]
    routers = read_routers(declared["routers"], own, reading, tls_options)
    return replace(
        fragment,
        services=services,
        routers=routers,
        middlewares=read_middlewares(declared["middlewares"], reading),
        transports=read_transports(declared["serverstransports"], reading),
        tls_options=tls_options,
        withheld=tuple(reading.withheld),
        broken=frozenset(reading.broken),
        places=reading.places,
        problems=(*problems, *reading.problems),
    )


def _http_of(tree: Tree, name: str, lines: Mapping[tuple[str, ...], int]) -> tuple[Tree, Tree, list[Problem]]:
    """What stands below `http` and `tls` (or `tidegate.http`); other sections are reported."""
    if tree is None:
        return None, None, []
    if not isinstance(tree, Mapping):
        return None, None, [Problem(f"{name}:1", "A route file begins with http:", "The file is ignored.")]
    if [canonical(str(key)) for key in tree] == ["tidegate"]:
        return _http_of(next(iter(tree.values())), name, {path[1:]: n for path, n in lines.items()})
    problems, http, tls = [], None, None
    for key, below in tree.items():
        if canonical(str(key)) == "http":
            http = below
            continue
        if canonical(str(key)) == "tls":
            tls = below
            continue
        guess = closest(str(key), ["http", "tls"])
        hint = f'Did you mean "{guess}"?' if guess else "Known: http, tls."
        where = f"{name}:{lines.get((str(key).lower(),), 1)}: {key}"
        problems.append(Problem(where, f"Tidegate has no such section. {hint}", "The section is ignored."))
    return http, tls, problems


def read_services(trees: Mapping[str, Tree], owner: str, reading: Reading) -> Iterator[tuple[str, Service]]:
    for name, tree in trees.items():
        path, consequence = ("services", name), f'Service "{name}" has no server.'
        tree, refused = without_unserved(SERVICES, path, tree, reading, consequence)
        asked, flaws = parse_options(FileService, tree) if not refused else (None, ())
        reading.flaws(FileService, path, flaws, consequence)
        qualified = reading.qualified(name)
        reading.places[qualified, "parts"] = reading.source.where(path)
        if asked is None:
            yield qualified, Service(qualified)
        elif asked.load_balancer is None:
            yield qualified, composite(name, asked, reading)
        else:
            balancer = asked.load_balancer
            servers = tuple(_server(each, owner) for each in balancer.servers)
            transport = transport_of(path, balancer, reading)
            how = balanced(balancer)
            yield qualified, Service(qualified, servers, balancer.pass_host_header, how, transport=transport)


def _server(asked: FileServer, owner: str) -> Server:
    url = asked.url
    return Server(owner, _plain_address(url.host), url.port, url.scheme, asked.weight, path=url.path)


def _plain_address(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return host
