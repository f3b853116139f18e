"""Serving: `tidegate run`."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

from proxy.problem import Problem
from proxy.schema import options_of
from tidegate.commands.line import Call, Command, flag_spellings
from tidegate.settings import Settings
from tidegate.sources import SettingsError, flag_name, load, unknown
from tidegate.sparing import later

UNUSED = ("tarfile", "getpass", "mimetypes", "stringprep", "structlog.threadlocal", "uuid")
"""What docker, requests, urllib3 and structlog would pack, ask for passwords or post forms with: 1 MB."""


def run(call: Call) -> int:
    settings = checked_settings(call)
    # structlog loads rich where it is installed, for tracebacks in colours that nobody prints here: 4 MB.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    # requests loads this one to guess encodings, and warns where it cannot; we read UTF-8 alone: 2.5 MB.
    sys.modules.setdefault("charset_normalizer", None)  # type: ignore[arg-type]
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
    for name in UNUSED:
        later(name)
    from tidegate.app import run as serve

    return serve(settings)


def checked_settings(call: Call) -> Settings:
    """The settings, or all that is wrong with them, unknown flags first."""
    problems = strange_flags(call.strange)
    try:
        settings = load(call.flags, os.environ, call.config)
    except SettingsError as error:
        raise SettingsError([*problems, *error.problems]) from None
    if problems:
        raise SettingsError(problems)
    return settings


def strange_flags(words: Sequence[str]) -> list[Problem]:
    """A problem for each flag that does not exist; the value behind it belongs to it."""
    known = ["--config", "--help", *map(flag_name, flag_spellings())]
    problems = []
    for at, word in enumerate(words):
        name, sign, _ = word.partition("=")
        if name.startswith("-"):
            value = (
                "" if sign or at + 1 == len(words) or words[at + 1].startswith("-") else f" {words[at + 1]}"
            )
            problems.append(unknown(name, known, word + value))
        elif at == 0 or not words[at - 1].startswith("-") or "=" in words[at - 1]:
            problems.append(Problem(word, "Settings are given as --NAME VALUE."))
    return problems


COMMANDS = {
    "run": Command(
        "serve what containers and route files ask for", run, settings=tuple(options_of(Settings))
    ),
}
