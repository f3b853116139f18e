"""Own service: the service of a compose file that runs Tidegate, with the settings that it gives.

They are read as `tidegate run` reads them; what they name of files inside the
container is looked for where the service mounts it from, and is no mistake
where it is not here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from proxy.problem import Problem
from proxy.schema import options_of, parse_options
from tidegate.checking.finding import Finding
from tidegate.checking.locating import Written
from tidegate.checking.written import written
from tidegate.commands.line import Call, UsageError
from tidegate.commands.line import read as read_line
from tidegate.commands.serving import COMMANDS, strange_flags
from tidegate.composefile.dotenv import read_dotenv
from tidegate.composefile.imagined import image_name
from tidegate.composefile.nodes import Leaf, Listing, Node, Place
from tidegate.composefile.project import Project
from tidegate.composefile.service import Service
from tidegate.settings import Settings
from tidegate.sources import (
    CONFIG,
    PREFIX,
    USUAL_FILE,
    Flags,
    SettingsError,
    Source,
    from_environment,
    from_flags,
    from_yaml,
    settled,
)

_PROGRAM = "tidegate"
_OF_FILES = re.compile(r"There is no such file\.$|cannot be read: ")
"""What is said of files that may well be inside the container."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command; `known` is False where a variable that nobody sets has a part in it."""

    text: str
    place: Place
    known: bool = True


@dataclass(frozen=True, slots=True)
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
                source = None if mount.volume or not mount.source else Path(mount.source).expanduser()
                return self.directory / source / wanted.relative_to(target) if source else None
        return None


@dataclass(frozen=True, slots=True)
class Told:
    """What a service that runs Tidegate tells it; `settings` None where they cannot be used."""

    own: OwnService
    sources: tuple[Source, ...]
    settings: Settings | None
    problems: tuple[Problem, ...]
    whole: bool = True
    """Nothing else tells it anything."""

    def findings(self) -> Iterator[Finding]:
        for problem in self.problems:
            place, subject = self._place(problem.where)
            yield Finding(place, "error", subject, problem.what, "Tidegate does not start.")

    def written(self) -> dict[str, Written]:
        """Where its settings stand."""
        return {
            name: each if each.place else replace(each, place=self._place(each.text)[0])
            for name, each in written(self.sources).items()
        }

    def _place(self, where: str) -> tuple[Place, str]:
        name = re.split(r"[=: ]", where)[0]
        for word in self.own.words:
            if word.text == name or word.text.startswith(f"{name}="):
                return word.place, where
        if variable := self.own.service.environment.get(name):
            return variable.place, where
        if in_file := re.fullmatch(r"([^-].*?):([0-9]+)(?:: (.*))?", where, re.DOTALL):
            return Place(in_file[1], int(in_file[2])), in_file[3] or ""
        command = self.own.service.command
        return (command.place if command else self.own.service.place), where


def own_services(projects: Iterable[Project], environ: Mapping[str, str]) -> list[OwnService]:
    found = (_own(project, service, environ) for project in projects for service in project.services.values())
    return [each for each in found if each]


def _own(project: Project, service: Service, environ: Mapping[str, str]) -> OwnService | None:
    words = [*words_of(service.entrypoint), *words_of(service.command)]
    ours = image_name(service.image) == _PROGRAM
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
        except (OSError, UnicodeDecodeError):
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


def words_of(node: Node | None) -> Iterator[Word]:
    """The words of a command, with their places."""
    if isinstance(node, Listing):
        for item in node.items:
            if isinstance(item, Leaf):
                yield Word(item.meant, item.place, _is_known(item))
    elif isinstance(node, Leaf) and node.meant:
        try:
            words = shlex.split(node.meant)
        except ValueError:
            return  # a quote that nobody closes
        stand_ins = [name.lower().replace("_", "-") for name, _ in (*node.told.unset, *node.told.demanded)]
        from_here = 0
        for word in words:
            at = node.meant.find(word.partition(" ")[0], from_here)
            from_here = max(at, from_here)
            yield Word(word, _spot(node, from_here), not any(each in word for each in stand_ins))


def _is_known(leaf: Leaf) -> bool:
    return not (leaf.told.unset or leaf.told.demanded or leaf.told.invalid)


def _spot(leaf: Leaf, index: int) -> Place:
    """The place of a character of the text, also where it is folded from several lines."""
    if leaf.start:
        return leaf.spot(index)
    try:
        written_so = Path(leaf.place.file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return leaf.place
    word = re.match(r"\S*", leaf.meant[index:])
    same = re.compile(rf"(?<![\w-]){re.escape(word[0] if word else '')}(?![\w-])")
    begin, end = leaf.span
    places = [found.start() for found in same.finditer(written_so[begin:end])]
    before = len(same.findall(leaf.meant[:index]))
    if before >= len(places):
        return leaf.place
    at = begin + places[before]
    line_begin = written_so.rfind("\n", 0, at) + 1
    return Place(leaf.place.file, written_so.count("\n", 0, at) + 1, at - line_begin + 1)


def told(own: OwnService) -> Told:
    """What the service tells Tidegate, and all that is wrong with it."""
    words = list(_certain(own.words))
    if {"--help", "-h"} & set(words):
        return Told(own, (), None, (), whole=False)
    try:
        _, call = read_line(["run", *words], COMMANDS)
    except UsageError as error:
        what = str(error).partition("\n")[0]
        wrong = Problem("command", f"{what[:1].upper()}{what[1:]}.")
        return Told(own, (), None, (wrong,), whole=False)
    file, seen = _config(own, call)
    variables = {name: value for name, value in own.variables.items() if name != CONFIG}
    sources: tuple[Source, ...] = (
        from_flags(_without_files(call.flags)),
        from_environment(_stand_ins(variables)),
        file,
    )
    own_credentials = own.whole and not any(name.endswith("_FILE") for name in variables)
    problems = strange_flags(call.strange)
    settings: Settings | None
    try:
        settings = settled(sources, variables, credentials=own_credentials)
    except SettingsError as error:
        problems += [each for each in error.problems if not _OF_FILES.search(each.what)]
        sources, settings = _usable(sources)
    return Told(own, sources, settings, tuple(problems), own.whole and seen)


def _certain(words: Sequence[Word]) -> Iterator[str]:
    """Without flags whose values nobody knows here."""
    for word, following in zip(words, [*words[1:], None], strict=False):
        takes = word.text.startswith("--") and "=" not in word.text
        if word.known and not (takes and following and not following.known):
            yield word.text


def _config(own: OwnService, call: Call) -> tuple[Source, bool]:
    """The settings file, and whether all is known that it says."""
    named = call.config or own.variables.get(CONFIG)
    outside = own.outside(Path(named or USUAL_FILE))
    try:
        return (
            (from_yaml(outside.read_text("utf-8"), str(outside)), True) if outside else (Source(), not named)
        )
    except (OSError, UnicodeDecodeError):
        return Source(), not named


def _without_files(flags: Flags) -> Flags:
    """What stands in a file of the container is taken to be right."""
    secret = {f"{name}_file": name for name, each in options_of(Settings).items() if each.secret}
    examples = {name: options_of(Settings)[name].example for name in secret.values()}
    return {
        secret.get(name, name): examples.get(secret.get(name, ""), value) for name, value in flags.items()
    }


def _stand_ins(variables: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, value in variables.items():
        setting = name.removeprefix(PREFIX).removesuffix("_FILE").lower()
        each = options_of(Settings).get(setting)
        if name.startswith(PREFIX) and name.endswith("_FILE") and each and each.secret:
            found[name.removesuffix("_FILE")] = each.example
        else:
            found[name] = value
    return found


def _usable(sources: Sequence[Source]) -> tuple[tuple[Source, ...], Settings | None]:
    """Without what cannot be read."""
    given = {name: each.value for source in reversed(sources) for name, each in source.given.items()}
    _, flaws = parse_options(Settings, given)
    bad = {flaw.path[0] for flaw in flaws if flaw.path}
    good = tuple(
        Source({name: each for name, each in source.given.items() if name not in bad}) for source in sources
    )
    settings, _ = parse_options(Settings, {name: value for name, value in given.items() if name not in bad})
    return good, settings
