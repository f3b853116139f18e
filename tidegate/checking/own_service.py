"""Own service: the service of a compose file that runs Tidegate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from itertools import dropwhile
from pathlib import Path, PurePosixPath

from proxy.frozen import frozen
from proxy.schema import closest, options_of
from tidegate.checking.command_words import Word, words_of
from tidegate.composefile.dotenv import read_dotenv
from tidegate.composefile.imagined import image_name
from tidegate.composefile.project import Project
from tidegate.composefile.service import Service
from tidegate.settings import Settings

_PROGRAM = "tidegate"
_ASKING = ("-h", "--help", "--version")


@frozen
class OwnService:
    project: Project
    service: Service
    words: tuple[Word, ...] = ()
    """Those behind `run`."""
    variables: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    """All of its variables are seen here, and all of its words."""
    misbegun: str = ""
    """What is wrong with how its command begins, so that it starts again and again."""

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
    called = ours and bool(service.image) and not service.entrypoint  # by the image's entrypoint
    if words and not called and _is_program(words[0]):
        words, ours, called = words[1:], True, bool(service.entrypoint)
    if service.entrypoint and not ours:
        return None
    misbegun = ""
    if words and words[0].text != "run":
        misbegun = _misbegun(words) if called and words[0].known else ""
        if not misbegun:
            return None
        words = _as_meant(words)
    behind = tuple(words[1:])
    if not ours and not any(_is_flag(word.text) for word in behind):
        return None  # many programs are told to run
    variables, whole = _variables(service, environ)
    return OwnService(
        project, service, behind, variables, whole and all(word.known for word in words), misbegun
    )


def _is_program(word: Word) -> bool:
    return word.text.rpartition("/")[2] == _PROGRAM


def _misbegun(words: Sequence[Word]) -> str:
    """What is wrong with the first word behind `tidegate`; "" where that is a command, or asks for help."""
    from tidegate.cli import COMMANDS  # whose `check` is one of them

    first = words[0].text
    if _is_program(words[0]):
        rest = [word.text for word in words[1:]]
        meant = rest if rest and rest[0] in COMMANDS else _texts(words)
        return f"The image calls {_PROGRAM} by itself. Write command: {_begin_of(meant)}"
    if first.startswith("-"):
        return "" if first in _ASKING else f"It begins with run. Write command: {_begin_of(_texts(words))}"
    if first in COMMANDS or first == "help":
        return ""
    guess = closest(first, COMMANDS)
    return f'Tidegate has no command "{first[:80]}".' + (f' Did you mean "{guess}"?' if guess else "")


def _texts(words: Sequence[Word]) -> list[str]:
    return [word.text for word in _as_meant(words)]


def _begin_of(words: Sequence[str]) -> str:
    return " ".join(words[:3]) + (" ..." if len(words) > 3 else "")


def _as_meant(words: Sequence[Word]) -> list[Word]:
    """With nothing but `run` before the flags."""
    flags = dropwhile(lambda word: not word.text.startswith("--"), words)
    return [replace(words[0], text="run"), *flags]


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
