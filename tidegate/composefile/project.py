"""Project: compose files of one directory, merged as `docker compose -f a -f b` merges them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from proxy.frozen import frozen
from proxy.schema import closest
from tidegate.composefile.dotenv import read_dotenv
from tidegate.composefile.keys import wrong_in_file, wrong_in_service
from tidegate.composefile.nodes import Branch, BrokenYAML, Leaf, Listing, Node, Place, Reader, texts
from tidegate.composefile.service import Service, merged, read_service

USUAL = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
OVERRIDES = tuple(name.replace("compose.y", "compose.override.y") for name in USUAL)
DEEPEST = 10  # files that include or extend each other

Say = Callable[[Place, str, str], None]
"""A mistake that compose itself would refuse: where, what, what happens now."""


@frozen
class Network:
    """A network by the name that the engine knows it by."""

    name: str
    external: bool = False


@frozen
class Project:
    name: str
    services: Mapping[str, Service] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)

    def network(self, key: str) -> str:
        """The engine's name of a network that a service names."""
        known = self.networks.get(key)
        return known.name if known else f"{self.name}_{key}"

    def attached(self, service: Service) -> tuple[str, ...]:
        """The networks that the service's containers are on."""
        if service.network_mode is not None:
            return ()
        return tuple(self.network(leaf.text) for leaf in service.networks) or (self.network("default"),)


def variables_of(directory: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What compose knows of variables there: the environment wins over `.env`."""
    try:
        own = read_dotenv((directory / ".env").read_text(encoding="utf-8-sig"), environ)
    except (OSError, UnicodeDecodeError):
        own = {}
    return {**own, **environ}


def with_override(files: Sequence[Path]) -> list[Path]:
    """The files, and beside a usual one that stands alone the override that compose reads by itself."""
    if len(files) == 1 and files[0].name in USUAL:
        beside = [files[0].with_name(name) for name in OVERRIDES]
        return [*files, *[each for each in beside if each.is_file()][:1]]
    return list(files)


def load(files: Sequence[Path], environ: Mapping[str, str], say: Say) -> Project:
    """The project that the files make; raises OSError, UnicodeDecodeError or BrokenYAML."""
    directory = files[0].parent
    loader = _Loader(variables_of(directory, environ), say)
    services: dict[str, Service] = {}
    networks: dict[str, Node] = {}
    volumes: set[str] = set()
    name = ""
    for file in files:
        part = loader.file(file, 0)
        services = {
            **services,
            **{key: _over(services.get(key), each) for key, each in part.services.items()},
        }
        networks |= part.networks
        volumes |= part.volumes
        name = part.name or name
    chosen = loader.variables.get("COMPOSE_PROJECT_NAME") or name or _called(directory)
    project = _normal(chosen)
    named = {key: _network(project, key, node) for key, node in networks.items()}
    for service in services.values():
        loader.judge_networks(service, named)
        loader.judge_volumes(service, volumes)
    return Project(project, services, named)


def _called(directory: Path) -> str:
    """As compose calls what stands there: by the folder's own name, however it is spelled (`..`)."""
    return os.path.basename(os.path.abspath(directory))  # noqa: PTH100, PTH119 - links are not followed


def _over(before: Service | None, after: Service) -> Service:
    return merged(before, after) if before else after


def _normal(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-") or "default"


def _network(project: str, key: str, node: Node) -> Network:
    """Its own name, the key of an external one, else the project's name before the key."""
    if not isinstance(node, Branch):
        return Network(f"{project}_{key}")
    own, external = node.get("name"), node.get("external")
    outside = isinstance(external, Branch) or (isinstance(external, Leaf) and external.text == "true")
    former = external.get("name") if isinstance(external, Branch) else None
    for told in (own, former):
        if isinstance(told, Leaf) and told.text:
            return Network(told.text, outside)
    return Network(key if outside else f"{project}_{key}", outside)


@dataclass(slots=True)
class _Part:
    """One file, with what it includes."""

    services: dict[str, Service] = field(default_factory=dict)
    networks: dict[str, Node] = field(default_factory=dict)
    volumes: set[str] = field(default_factory=set)
    name: str = ""


@dataclass(slots=True)
class _Loader:
    variables: Mapping[str, str]
    say: Say
    read: dict[Path, Branch] = field(default_factory=dict)

    def branch(self, file: Path) -> Branch:
        if file in self.read:
            return self.read[file]
        reader = Reader(str(file), file.read_text(encoding="utf-8-sig"), self.variables)
        root = reader.read()
        for key in reader.twice:
            self.say(key.place, f'"{key.text[:80]}" stands here twice.', "Compose refuses the file.")
        if not isinstance(root, Branch):
            root = Branch(Place(str(file)))
        self.read[file] = root
        return root

    def file(self, file: Path, depth: int) -> _Part:
        root = self.branch(file)
        for key, what in wrong_in_file(root):
            self.say(key.place, what, "Compose refuses the file.")
        part = _Part()
        for leaf in self.included(root):
            if depth < DEEPEST and (below := self.beside(file, leaf, depth)):
                part.services |= below.services
                part.networks |= below.networks
                part.volumes |= below.volumes
        services = root.get("services")
        for name, (key, node) in services.entries.items() if isinstance(services, Branch) else ():
            part.services[name] = self.service(file, name, key.place, node, ())
        networks = root.get("networks")
        if isinstance(networks, Branch):
            part.networks |= {key: node for key, (_, node) in networks.entries.items()}
        if isinstance(volumes := root.get("volumes"), Branch):
            part.volumes |= volumes.entries.keys()
        if isinstance(own := root.get("name"), Leaf):
            part.name = own.text
        return part

    def included(self, root: Branch) -> Iterator[Leaf]:
        listed = root.get("include")
        for item in listed.items if isinstance(listed, Listing) else ():
            yield from texts(item.get("path") if isinstance(item, Branch) else item)

    def beside(self, file: Path, leaf: Leaf, depth: int) -> _Part | None:
        path = file.parent / leaf.text
        inner = _Loader({**variables_of(path.parent, {}), **self.variables}, self.say, self.read)
        try:
            return inner.file(path, depth + 1)
        except (OSError, UnicodeDecodeError):
            self.say(leaf.place, f"The file {leaf.text} cannot be read.", "It is left out of this check.")
            return None

    def service(
        self, file: Path, name: str, place: Place, node: Node, seen: tuple[tuple[Path, str], ...]
    ) -> Service:
        service = read_service(name, place, node)
        self.judge_keys(service)
        if service.extends is None:
            return service
        base = self.extended(file, service.extends, (*seen, (file, name)))
        return merged(replace(base, name=name), service) if base else service

    def extended(
        self, file: Path, extends: tuple[Leaf, Leaf | None], seen: tuple[tuple[Path, str], ...]
    ) -> Service | None:
        wanted, elsewhere = extends
        at = file.parent / elsewhere.text if elsewhere else file
        try:
            services = self.branch(at).get("services")
        except (OSError, UnicodeDecodeError):
            self.say(
                (elsewhere or wanted).place, f"The file {at} cannot be read.", "Nothing is taken from it."
            )
            return None
        found = services.entries.get(wanted.text) if isinstance(services, Branch) else None
        if found is None or (at, wanted.text) in seen:
            why = "extends itself" if found else "is not there"
            self.say(wanted.place, f'Service "{wanted.text}" {why}.', "Compose refuses the file.")
            return None
        return self.service(at, wanted.text, found[0].place, found[1], seen)

    def judge_keys(self, service: Service) -> None:
        for leaf, what in (*wrong_in_service(service.unknown), *service.odd):
            self.say(leaf.place, what, "Compose refuses the file.")

    def judge_networks(self, service: Service, named: Mapping[str, Network]) -> None:
        for leaf in service.networks:
            if leaf.text not in named and leaf.text != "default":
                guess = closest(leaf.text, named)
                hint = f'Did you mean "{guess}"?' if guess else f"Declare it: networks: {{{leaf.text}: }}"
                what = f'The file declares no network "{leaf.text}". {hint}'
                self.say(leaf.place, what, "Compose refuses the file.")

    def judge_volumes(self, service: Service, named: Collection[str]) -> None:
        for mount in service.volumes:
            told = mount.leaf.told
            if mount.volume and mount.volume not in named and not (told.unset or told.demanded):
                guess = closest(mount.volume, named)
                hint = f'Did you mean "{guess}"?' if guess else f"Declare it: volumes: {{{mount.volume}: }}"
                what = f'The file declares no volume "{mount.volume}". {hint}'
                self.say(mount.leaf.place, what, "Compose refuses the file.")


__all__ = ["USUAL", "BrokenYAML", "Network", "Project", "load", "variables_of", "with_override"]
