"""Service: what routing has to know of one service of a compose file, with the places of its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, fields, replace

from discovery.yaml_slips import with_space
from proxy.frozen import frozen
from tidegate.composefile.nodes import Branch, Leaf, Listing, Node, Place, texts

MOST_PORTS = 200  # of one range


@frozen
class Label:
    """A label or variable; its value stands in `leaf`, behind `skipped` characters."""

    name: str
    leaf: Leaf
    place: Place
    skipped: int = 0
    bare: bool = False
    """There is no `=` and no value."""

    @property
    def value(self) -> str:
        return self.leaf.text[self.skipped :]

    @property
    def meant(self) -> str:
        return self.leaf.meant[self.skipped :]

    def spot(self, index: int) -> Place:
        return self.leaf.spot(self.skipped + index)


@frozen
class Published:
    """A port of the machine that leads into the container; 0 is one that the engine chooses."""

    target: int
    published: int
    address: str
    protocol: str
    place: Place

    @property
    def loopback(self) -> bool:
        return self.address.startswith("127.") or self.address in ("::1", "localhost")


@frozen
class Mount:
    """What a path of the container is: a directory of the machine, a volume, or ("") one without a name."""

    source: str
    target: str
    leaf: Leaf
    """Where the source stands."""

    @property
    def volume(self) -> str:
        """The name of the volume; "" where it is none with a name."""
        return self.source if re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", self.source) else ""


@frozen
class Service:
    """One service; None stands for: nothing is said."""

    name: str
    place: Place
    labels: Mapping[str, Label] = field(default_factory=dict)
    deploy_labels: Mapping[str, Label] = field(default_factory=dict)
    environment: Mapping[str, Label] = field(default_factory=dict)
    expose: tuple[int, ...] = ()
    ports: tuple[Published, ...] = ()
    networks: tuple[Leaf, ...] = ()
    network_mode: Leaf | None = None
    profiles: tuple[str, ...] = ()
    image: str = ""
    container_name: str = ""
    entrypoint: Node | None = None
    command: Node | None = None
    """A list of words, or one text with all of them."""
    volumes: tuple[Mount, ...] = ()
    env_files: tuple[Leaf, ...] = ()
    extends: tuple[Leaf, Leaf | None] | None = None
    odd: tuple[tuple[Leaf, str], ...] = ()
    """What stands where a label, a port or an attribute should, and what is wrong with it."""
    unknown: tuple[Leaf, ...] = ()
    instead: frozenset[str] = frozenset()
    """Attributes with `!reset` or `!override`: they do not add to those of the files before."""

    @property
    def host_mode(self) -> bool:
        return self.network_mode is not None and self.network_mode.text == "host"


_JOINED = ("labels", "deploy_labels", "environment")
_LISTED = ("expose", "ports", "networks", "volumes", "env_files", "odd", "unknown")


def merged(base: Service, over: Service) -> Service:
    """The service with what a later file, or whoever extends it, says of it."""
    new: dict[str, object] = {}
    for each in fields(Service):
        before, after = getattr(base, each.name), getattr(over, each.name)
        if each.name in over.instead:
            new[each.name] = after
        elif each.name in _JOINED:
            new[each.name] = {**before, **after}
        elif each.name in _LISTED:
            known = {leaf.text for leaf in before} if each.name == "networks" else set()
            new[each.name] = (*before, *(item for item in after if getattr(item, "text", None) not in known))
        elif after or each.name in ("name", "place"):
            new[each.name] = after
    return replace(base, **new)  # type: ignore[arg-type]


_ROUTED = ("labels", "environment", "expose", "ports", "networks", "profiles", "volumes", "command")


def read_service(name: str, place: Place, node: Node) -> Service:
    if not isinstance(node, Branch):
        return Service(name, place)
    odd: list[tuple[Leaf, str]] = []
    deploy = node.get("deploy")
    mode = node.get("network_mode")
    return Service(
        name,
        place,
        labels=dict(_labels(node.get("labels"), odd)),
        deploy_labels=dict(_labels(deploy.get("labels"), odd)) if isinstance(deploy, Branch) else {},
        environment=dict(_labels(node.get("environment"), [])),
        expose=tuple(_exposed(node.get("expose"), odd)),
        ports=tuple(_ports(node.get("ports"), odd)),
        networks=tuple(texts(node.get("networks"))),
        network_mode=mode if isinstance(mode, Leaf) else None,
        profiles=tuple(leaf.text for leaf in texts(node.get("profiles"))),
        image=_text(node.get("image")),
        container_name=_text(node.get("container_name")),
        entrypoint=node.get("entrypoint"),
        command=node.get("command"),
        volumes=tuple(_mounts(node.get("volumes"))),
        env_files=tuple(_env_files(node.get("env_file"))),
        extends=_extends(node.get("extends")),
        odd=tuple(odd),
        unknown=tuple(key for key, _ in node.entries.values()),
        instead=frozenset(
            key for key in _ROUTED if (below := node.get(key)) and below.tag in ("!reset", "!override")
        ),
    )


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Leaf) else ""


def _extends(node: Node | None) -> tuple[Leaf, Leaf | None] | None:
    if isinstance(node, Leaf):
        return node, None
    if isinstance(node, Branch) and isinstance(service := node.get("service"), Leaf):
        file = node.get("file")
        return service, file if isinstance(file, Leaf) else None
    return None


def _mounts(node: Node | None) -> Iterator[Mount]:
    for item in node.items if isinstance(node, Listing) else ():
        if isinstance(item, Leaf):
            drive = re.match(r"[A-Za-z]:[\\/]", item.text)
            cut = 2 if drive else 0
            first, *rest = item.text[cut:].split(":")
            source = item.text[:cut] + first if rest else ""
            yield Mount(source, rest[0] if rest else first, item)
        elif isinstance(item, Branch):
            source_node = item.get("source")
            leaf = source_node if isinstance(source_node, Leaf) else item.get("target")
            if isinstance(leaf, Leaf):
                source, kind = _text(source_node), _text(item.get("type"))
                if kind == "bind" and not re.match(r"[./~\\]|[A-Za-z]:", source):
                    source = f"./{source}"
                yield Mount(source if kind in ("volume", "bind") else "", _text(item.get("target")), leaf)


def _env_files(node: Node | None) -> Iterator[Leaf]:
    for item in node.items if isinstance(node, Listing) else (node,):
        leaf = item.get("path") if isinstance(item, Branch) else item
        if isinstance(leaf, Leaf):
            yield leaf


def _labels(node: Node | None, odd: list[tuple[Leaf, str]]) -> Iterator[tuple[str, Label]]:
    if node is None or node.tag == "!reset":
        return
    if isinstance(node, Branch):
        for name, (key, value) in node.entries.items():
            if isinstance(value, Leaf):
                yield name, Label(name, value, key.place)
            else:
                odd.append((key, "A label's value is one text, not a list and not options below it."))
    elif isinstance(node, Listing):
        for item in node.items:
            if isinstance(item, Leaf):
                name, sign, _ = item.text.partition("=")
                yield name, Label(name, item, item.place, len(name) + len(sign), not sign)
            elif isinstance(item, Branch):
                for key, value in list(item.entries.values())[:1]:
                    told = value.told.raw if isinstance(value, Leaf) else "VALUE"
                    odd.append((key, f"A label in a list has a = and no colon. Write - {key.text}={told}"))
    elif node.text:
        what = with_space(node.text) or "Labels are a list, or names with values below: - NAME=VALUE"
        odd.append((node, what))


def _exposed(node: Node | None, odd: list[tuple[Leaf, str]]) -> Iterator[int]:
    for leaf in texts(node):
        found = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(/\w+)?", leaf.text)
        if found is None:
            odd.append((leaf, f"Compose wants a port here, such as 8080, not {leaf.text[:40]!r}."))
        elif found[3] in (None, "/tcp"):
            yield from _range(found[1], found[2])


_PORT = re.compile(
    r"(?:(?:(\[[0-9a-fA-F:.]+\]|[^:\[\]]*):)?([0-9]*)(?:-([0-9]+))?:)?([0-9]+)(?:-([0-9]+))?(?:/(\w+))?"
)


def _ports(node: Node | None, odd: list[tuple[Leaf, str]]) -> Iterator[Published]:
    for item in node.items if isinstance(node, Listing) else ():
        if isinstance(item, Branch):
            target, published = _text(item.get("target")), _text(item.get("published"))
            protocol, address = _text(item.get("protocol")) or "tcp", _text(item.get("host_ip"))
            if target.isdigit():
                first = int(published) if published.isdigit() else 0
                yield Published(int(target), first, address, protocol, item.place)
        elif isinstance(item, Leaf):
            found = _PORT.fullmatch(item.text)
            if found is None:
                odd.append((item, f"Compose wants a port here, such as 8080:80, not {item.text[:40]!r}."))
                continue
            targets = list(_range(found[4], found[5]))
            outside = list(_range(found[2], found[3])) if found[2] else [0] * len(targets)
            address = (found[1] or "").strip("[]")
            for inner, outer in zip(targets, outside, strict=False):
                yield Published(inner, outer, address, found[6] or "tcp", item.place)


def _range(first: str, last: str | None) -> range:
    return range(int(first), min(int(last or first), int(first) + MOST_PORTS) + 1)
