"""Files: what is said of compose files, route files and label lines; nothing has to run for that."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate.commands.line import (
    Call,
    Command,
    Parser,
    UsageError,
    one_of,
    printable_lines,
    refuse_strangers,
)
from tidegate.printable import printable
from tidegate.sources import SettingsError, load_leniently, read_all, wrong_in

if TYPE_CHECKING:
    from discovery.language import Language
    from proxy.model import Entrypoint
    from tidegate.checking.finding import Checked
    from tidegate.checking.locating import Written
    from tidegate.checking.told import Told
    from tidegate.settings import Settings

READING = (
    *("dialects", "default_rule", "network", "traefik_names", "entrypoint", "web", "websecure"),
    *("default_entrypoints", "default_middlewares", "default_headers", "default_tls", "allow_hosts"),
    *("docker", "dashboard", "resolver"),
)
"""The settings that say how labels are read."""
CHECKING = (*READING, "routes", "serve_all", "constraints")


def expand(call: Call) -> int:
    refuse_strangers(call)
    settings = load_leniently(READING, call.flags, os.environ, call.config)
    from tidegate.defaults import entrypoints_of
    from tidegate.expand import expansion
    from tidegate.label_language import language_of

    text = read_text(call.own.file)
    language, entrypoints = language_of(settings), entrypoints_of(settings)
    if re.search(r"^services:", text, re.MULTILINE):
        expanded = expanded_file(call.own.file, language, entrypoints)
        checked = mistakes_of(call.own.file, settings, language, entrypoints)
        if not expanded and not checked.findings:
            raise UsageError(f"no service of {call.own.file} has labels that Tidegate reads.")
    else:
        expanded, checked = list(expansion(text, language, entrypoints)), None
        if not expanded:
            raise UsageError("there is no label here. One a line, as in tidegate.host=blog.example.com")
    for line in expanded:
        print(printable(line))
    if checked and checked.findings:
        from tidegate.checking.report import report

        for line in report(checked, "text"):
            print(line, file=sys.stderr)
    return 1 if (checked and checked.errors) or any(line.startswith("# error") for line in expanded) else 0


def mistakes_of(
    name: str, settings: Settings, language: Language, entrypoints: Sequence[Entrypoint]
) -> Checked:
    """The errors and warnings that `check` has of the file, for its words."""
    from tidegate.checking.judging import check as judged
    from tidegate.defaults import declared

    checked = judged([Path(name)], os.environ, language, entrypoints, declared(settings.default_headers))
    found = [finding for finding in checked.findings if finding.severity != "notice"]
    return replace(checked, findings=found, sites={})


def expanded_file(name: str, language: Language, entrypoints: Sequence[Entrypoint]) -> list[str]:
    """The expansion of each service of a compose file."""
    if name == "-":
        raise UsageError("a compose file is read with what stands beside it: name the file.")
    from tidegate.composefile.nodes import BrokenYAML
    from tidegate.expand import expansion_of_file

    try:
        return list(expansion_of_file(Path(name), os.environ, language, entrypoints))
    except BrokenYAML as error:
        raise UsageError(f"{name}:{error.place.line}: {error}") from None


def check(call: Call) -> int:
    refuse_strangers(call)
    if not call.own.files and not call.config:
        raise UsageError("say which files: compose files, route files, or a settings file by --config.")
    from tidegate.checking.judging import judge
    from tidegate.checking.reading import NoComposeFile, read
    from tidegate.checking.report import report
    from tidegate.checking.surroundings import judge_own
    from tidegate.defaults import declared, entrypoints_of
    from tidegate.label_language import language_of

    try:
        files = read([Path(name) for name in call.own.files], os.environ)
        services = judge_own(files, os.environ)
        settings, places = settings_checked(call, services)
        if settings.routes:
            mounted = (each.own.outside(settings.routes) for each in services)
            files.add_routes(next(filter(None, mounted), settings.routes))
        defaults = declared(settings.default_headers)
        language, entrypoints = language_of(settings), entrypoints_of(settings)
        checked = judge(files, language, entrypoints, defaults, places)
        if call.config:
            checked.judge_settings(call.config, wrong_in(call.config))
    except NoComposeFile as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from None
    for line in report(checked, "json" if call.own.json else call.own.format):
        print(line)
    return 1 if checked.errors else 0


def settings_checked(call: Call, services: Sequence[Told]) -> tuple[Settings, dict[str, Written]]:
    """The settings by which files are judged, and where they stand.

    What the call does not say, the service of the files says that runs Tidegate.
    A settings file that is wrong is judged by itself.
    """
    from tidegate.checking.written import written

    behind = services[0].sources if services else ()
    config = call.config
    try:
        settings = load_leniently(CHECKING, call.flags, os.environ, config, behind)
    except SettingsError:
        if not config or not wrong_in(config):
            raise
        config = None
        settings = load_leniently(CHECKING, call.flags, os.environ, behind=behind)
    own = services[0].written() if services else {}
    return settings, own | written(read_all(call.flags, os.environ, config))


def translate(call: Call) -> int:
    refuse_strangers(call)
    settings = load_leniently(READING, call.flags, os.environ, call.config)
    from tidegate.composefile.nodes import BrokenYAML
    from tidegate.defaults import entrypoints_of
    from tidegate.label_language import language_of
    from tidegate.translating.translation import translate as translated

    text, name = read_text(call.own.file), call.own.file
    try:
        found = translated(text, call.own.dialect, language_of(settings), entrypoints_of(settings), name)
    except BrokenYAML as error:
        raise UsageError(f"{name}:{error.place.line}: {error}") from None
    print(found.text, end="")
    for note in found.notes:
        print(printable_lines(note), file=sys.stderr)
    return 1 if found.failed else 0


def read_text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name} cannot be read: it is no text") from None


def add_label_file(parser: Parser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="a compose file, or label lines, NAME=VALUE; - for standard input"
    )


def add_files(parser: Parser) -> None:
    what = "compose files (those of one directory are one project), route files; a directory: its own"
    parser.add_argument("files", metavar="FILE", nargs="*", help=what)
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.add_argument("--format", choices=("text", "json", "github"), default="text")


def add_compose_file(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a compose file; - for standard input")
    spoken = ("traefik", "caddy", "nginx-proxy")
    parser.add_argument(
        "--from", dest="dialect", type=one_of(spoken), choices=spoken, required=True, help="whose labels"
    )


COMMANDS = {
    "check": Command(
        "say what is wrong in compose files and route files: exit status 1 on errors",
        check,
        add_files,
        CHECKING,
    ),
    "expand": Command(
        "print the long labels that the labels of a compose file, or those of a file, one a line, stand for",
        expand,
        add_label_file,
        READING,
    ),
    "translate": Command(
        "print a compose file with Tidegate's labels instead of another proxy's: exit status 1 on errors",
        translate,
        add_compose_file,
        READING,
    ),
}
