"""Own service: the service of a compose file that runs Tidegate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path, PurePosixPath

from proxy.frozen import frozen
from proxy.schema import options_of
from tidegate.checking.command_words import Word, words_of
from tidegate.composefile.dotenv import read_dotenv
from tidegate.composefile.imagined import image_name
from tidegate.composefile.project import Project
from tidegate.composefile.service import Service
from tidegate.settings import Settings

_PROGRAM = "tidegate"


@frozen
class OwnService:
    project: Project
    service: Service
    words: tuple[Word, ...] = ()
    """Those behind `run`."""
    variables: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    """All of its variables are seen here, and all of its words."""

    @property
    def directory(self) -> Path:
        return Path(self.service.place.file).parent

    def outside(self, inside: Path) -> Path | None:
        """Where a path of the container is mounted from; None where that is no directory here."""
        wanted = PurePosixPath(inside)
        for mount in sorted(self.service.volumes, key=lambda mount: -len(mount.target)):
            target = PurePosixPath(mount.target)
            if wanted.is_relative_to(target):
                if mount.volume or not mount.source:
                    return None
                home = str(Path.home()) if mount.source.startswith("~/") else "~"
                source = mount.source.replace("~", home, 1)
                return self.directory / source / wanted.relative_to(target)
        return None


def own_services(projects: Iterable[Project], environ: Mapping[str, str]) -> list[OwnService]:
    found = (_own(project, service, environ) for project in projects for service in project.services.values())
    return [each for each in found if each]


def _own(project: Project, service: Service, environ: Mapping[str, str]) -> OwnService | None:
    words = [*words_of(service.entrypoint), *words_of(service.command)]
    name = image_name(service.image) if service.image else service.container_name or service.name
    ours = name == _PROGRAM  # one that is built here is called so
    if words and words[0].text.rpartition("/")[2] == _PROGRAM:
        words, ours = words[1:], True
    if service.entrypoint and not ours:
        return None
    if words and words[0].text != "run":
        return None
    behind = tuple(words[1:])
    if not ours and not any(_is_flag(word.text) for word in behind):
        return None  # many programs are told to run
    variables, whole = _variables(service, environ)
    return OwnService(project, service, behind, variables, whole and all(word.known for word in words))


def _is_flag(word: str) -> bool:
    name = word.partition("=")[0].removeprefix("--").replace("-", "_")
    return word.startswith("--") and name in options_of(Settings)


def _variables(service: Service, environ: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """Those that are known, and whether that is all of them."""
    found: dict[str, str] = {}
    whole = True
    for leaf in service.env_files:
        try:
            found |= read_dotenv((Path(leaf.place.file).parent / leaf.text).read_text("utf-8-sig"), environ)
        except (OSError, ValueError):
            whole = False
    for name, label in service.environment.items():
        told = label.leaf.told
        if told.unset or told.demanded or told.invalid:
            whole = False
        elif label.bare:
            whole = whole and name in environ
            found |= {name: environ[name]} if name in environ else {}
        else:
            found[name] = label.value
    return found, whole
