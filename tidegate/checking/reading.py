"""Reading: the files that are checked, each as what it is: compose, routes, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy.schema import canonical
from tidegate.checking.finding import Checked
from tidegate.composefile.keys import OF_FILE, starts_services
from tidegate.composefile.nodes import Branch, BrokenYAML, Node, Place, Reader
from tidegate.composefile.project import USUAL, Project, load, with_override
from tidegate.sources import spellings

SUFFIXES = (".yaml", ".yml")
_ROUTES = frozenset({"http", "tidegate", "tcp", "udp", "tls"})
_UNUSED = "Nothing of the file is used."


class NoComposeFile(Exception):
    """The directory has none; the text says what was looked for, and what is there."""


@dataclass(slots=True)
class Files:
    """What was read; `routes` are the text and the tree of each route file, by its name."""

    checked: Checked = field(default_factory=Checked)
    projects: list[Project] = field(default_factory=list)
    routes: dict[str, tuple[str, Node | None]] = field(default_factory=dict)

    def add_routes(self, path: Path) -> None:
        """The route files that a setting names; what cannot be read here may be elsewhere."""
        known = {Path(name).resolve() for name in self.routes}
        found = (
            sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES) if path.is_dir() else [path]
        )
        for file in found:
            if file.is_file() and file.resolve() not in known:
                self.checked.files.append(str(file))
                self.add(file)

    def add(self, path: Path) -> bool:
        """Whether it belongs to a compose project; what else it is has been seen to."""
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        try:
            root = Reader(str(path), text).read()
        except BrokenYAML as error:
            self.checked.say(error.place, str(error), _UNUSED)
            return False
        kind = _kind(root)
        if kind == "routes":
            self.routes[str(path)] = text, root
        elif kind != "compose":
            self.checked.say(Place(str(path)), kind, _UNUSED)
        return kind == "compose"


def read(paths: Sequence[Path], environ: Mapping[str, str]) -> Files:
    """Compose files of one directory are one project.

    Raises OSError where a file that was named cannot be read, NoComposeFile for a directory without any.
    """
    files = Files()
    by_directory: dict[Path, list[Path]] = {}
    for path in map(_file_meant, paths):
        files.checked.files.append(str(path))
        if files.add(path):
            by_directory.setdefault(path.parent, []).append(path)
    for together in by_directory.values():
        say = files.checked.say
        try:
            files.projects.append(load(with_override(together), environ, say))
        except BrokenYAML as error:  # what it includes or extends, or its override
            say(error.place, str(error), "Nothing of the project is used.")
        except UnicodeDecodeError:
            say(Place(str(together[0])), "This is not UTF-8 text.", "Nothing of the project is used.")
    return files


def _file_meant(path: Path) -> Path:
    """A directory stands for its compose file."""
    if not path.is_dir():
        return path
    if found := next((path / name for name in USUAL if (path / name).is_file()), None):
        return found
    there = sorted(each.name for each in path.iterdir() if each.suffix in SUFFIXES)
    instead = (
        f"Of YAML it has {', '.join(there)}: name the file." if there else "No YAML file is there at all."
    )
    raise NoComposeFile(f"{path} has no compose file: none of {', '.join(USUAL)}. {instead}")


def _kind(root: Node | None) -> str:
    """ "compose", "routes", or what is said of a file that is neither."""
    keys = set(root.entries) if isinstance(root, Branch) else set()
    if "services" not in keys and keys & _ROUTES:
        return "routes"
    if keys & OF_FILE:
        return "compose"
    if {canonical(key) for key in keys} & {canonical(name) for name in spellings()}:
        return "This is a settings file. Name it by --config: tidegate check --config FILE"
    if isinstance(root, Branch) and any(starts_services(*each) for each in root.entries.values()):
        return "compose"
    return "This is neither a compose file (services:) nor a route file (http:)."
