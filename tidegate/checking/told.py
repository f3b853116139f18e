"""Told: what the service that runs Tidegate tells it, read as `tidegate run` reads it.

What it names of files inside the container is looked for where the service
mounts it from, and is no mistake where it is not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from proxy.frozen import frozen
from proxy.problem import Problem
from proxy.schema import options_of, parse_options
from tidegate.checking.command_words import Word
from tidegate.checking.finding import Finding
from tidegate.checking.locating import Written
from tidegate.checking.own_service import OwnService
from tidegate.checking.written import written
from tidegate.commands.line import Call, UsageError
from tidegate.commands.line import read as read_line
from tidegate.commands.serving import COMMANDS, strange_flags
from tidegate.composefile.nodes import Place
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

_OF_FILES = re.compile(r"There is no such file\.$|cannot be read: ")
"""What is said of files that may well be inside the container."""


@frozen
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
    misbegun = [Problem("command", own.misbegun)] if own.misbegun else []
    file, seen = _config(own, call)
    variables = {name: value for name, value in own.variables.items() if name != CONFIG}
    sources: tuple[Source, ...] = (
        from_flags(_without_files(call.flags)),
        from_environment(_stand_ins(variables)),
        file,
    )
    own_credentials = own.whole and not any(name.endswith("_FILE") for name in variables)
    problems = misbegun + strange_flags(call.strange)
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
    except (OSError, ValueError):
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
