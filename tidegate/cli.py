"""Command line: what people type; each command imports only what it needs."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, get_origin
from urllib.parse import urlencode

from proxy.problem import Problem
from proxy.schema import closest, options_of
from tidegate.addresses import OFF
from tidegate.control import AlreadyRunning, NotAnswering, ask
from tidegate.printable import printable
from tidegate.settings import Settings
from tidegate.settings_reference import help_text, metavar, settings_page
from tidegate.sources import Flags, SettingsError, flag_name, load, load_leniently, unknown
from tidegate.trust import NoRoot, how_to_trust, read_root

ABOUT = (
    "A reverse proxy that reads Docker labels and opens an HTTPS gate for every container that asks for one."
)
ASKING = ("data", "dashboard")
"""The settings by which a running instance is found."""
READING = ("dialects", "default_rule", "network", "traefik_names", "entrypoint", "web", "websecure")
"""The settings that say how labels are read."""
WHY_PATIENCE = 25.0
"""Seconds for an answer: an engine may take its time."""


class UsageError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Call:
    """One command line, read: the settings' flags, and the command's own."""

    flags: Flags
    config: str | None
    strange: tuple[str, ...]
    own: argparse.Namespace


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        name, call = read(arguments)
        status = COMMANDS[name][1](call)
        sys.stdout.flush()  # here, where a reader that has gone is understood
        return status
    except UsageError as error:
        return fail(f"tidegate: {error}", 2)
    except SettingsError as error:
        count = len(error.problems)
        mistakes = "One mistake" if count == 1 else f"{count} mistakes"
        texts = "\n\n".join(printable_lines(str(problem)) for problem in error.problems)
        return fail(f"{texts}\n\n{mistakes}: Tidegate does not start. All settings: tidegate run --help", 2)
    except (NotAnswering, NoRoot, AlreadyRunning) as error:
        return fail(str(error), 1)
    except BrokenPipeError:  # whoever read us has seen enough; Python would complain once more while it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def printable_lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def fail(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status


# The commands.


def run(call: Call) -> int:
    settings = checked_settings(call)
    # structlog loads rich where it is installed, for tracebacks in colours that nobody prints here: 4 MB.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    # requests loads this one to guess encodings, and warns where it cannot; we read UTF-8 alone: 2.5 MB.
    sys.modules.setdefault("charset_normalizer", None)  # type: ignore[arg-type]
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
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


def routes(call: Call) -> int:
    status = ask_running(call, "status")
    if call.own.json:
        print(json.dumps(status, indent=2))
        return 0
    from tidegate.tables import status_text

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print(status_text(status, width), end="")
    return 0


def why(call: Call) -> int:
    refuse_strangers(call)
    own = call.own
    query = [("about", own.about), ("method", own.method), ("from", own.client)]
    query += [("header", each) for each in own.header]
    answer = ask_instance(call, f"why?{urlencode([pair for pair in query if pair[1]])}", WHY_PATIENCE)
    if not isinstance(answer, dict) or "answer" not in answer:
        raise NotAnswering("Something else than Tidegate answers there.")
    if own.json:
        print(json.dumps(answer, indent=2))
    else:
        from tidegate.why.text import answer_text

        print(answer_text(answer), end="")
    return 0 if answer["served"] else 1


def healthcheck(call: Call) -> int:
    health = ask_running(call, "health")
    print("\n".join(printable(line) for line in (health["health"], *health["reasons"])))
    return 1 if health["health"] == "down" else 0


def ask_running(call: Call, what: str) -> dict[str, Any]:
    refuse_strangers(call)
    answer = ask_instance(call, what)
    if not isinstance(answer, dict) or "health" not in answer:
        raise NotAnswering("Something else than Tidegate answers there.")
    return answer


def ask_instance(call: Call, what: str, timeout: float = 5.0) -> Any:
    settings = load_leniently(ASKING, call.flags, os.environ, call.config)
    # A data directory named here means that instance, not whichever answers at the usual address.
    elsewhere = "data" in call.flags and "dashboard" not in call.flags
    return ask(what, settings.data_directory, OFF if elsewhere else settings.dashboard, timeout)


def trust(call: Call) -> int:
    refuse_strangers(call)
    data = data_of_trust(call)
    print(read_root(data) if call.own.pem else how_to_trust(data, named="data" in call.flags), end="")
    return 0


def data_of_trust(call: Call) -> Path:
    """The directory that was named, else the running instance's: any other root helps nobody."""
    settings = load_leniently(ASKING, call.flags, os.environ, call.config)
    if settings.data:
        return settings.data
    try:
        answer = ask("status", settings.data_directory, settings.dashboard)
    except NotAnswering:
        print(f"No Tidegate runs here: this is about {settings.data_directory}.", file=sys.stderr)
        return settings.data_directory
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, str) or not data:
        raise NoRoot("What runs here does not say where its root certificate is. Say so: --data DIR")
    return served_from(Path(data))


def served_from(data: Path) -> Path:
    """The directory that an instance named, if that instance sees the same one under this name."""
    try:
        ask("health", data, OFF)
    except NotAnswering:
        raise NoRoot(
            f"The running Tidegate keeps its root in {data}, but is not to be found there from here.\n"
            "In a container, ask it there: docker exec CONTAINER tidegate trust\n"
            "Otherwise try as its user, or as root."
        ) from None
    return data


def settings_reference(call: Call) -> int:
    refuse_strangers(call)
    print(settings_page(), end="")
    return 0


def labels_reference(call: Call) -> int:
    refuse_strangers(call)
    from tidegate.label_reference import labels_page

    print(labels_page(), end="")
    return 0


def expand(call: Call) -> int:
    refuse_strangers(call)
    settings = load_leniently(READING, call.flags, os.environ, call.config)
    from tidegate.expand import expansion
    from tidegate.label_language import language_of

    text = read_text(call.own.file)
    if re.search(r"^services:", text, re.MULTILINE):
        raise UsageError(
            f"{call.own.file} is a compose file, and expand reads the label lines of one container. "
            "See tidegate check and tidegate translate."
        )
    expanded = list(expansion(text, language_of(settings)))
    if not expanded:
        raise UsageError("there is no label here. One a line, as in tidegate.host=blog.example.com")
    for line in expanded:
        print(printable(line))
    return 1 if any(line.startswith("# error") for line in expanded) else 0


def check(call: Call) -> int:
    refuse_strangers(call)
    settings = load_leniently(READING, call.flags, os.environ, call.config)
    from tidegate.checking.judging import check as judged
    from tidegate.checking.report import report
    from tidegate.label_language import entrypoints_of, language_of

    paths = [Path(name) for name in call.own.files]
    try:
        checked = judged(paths, os.environ, language_of(settings), entrypoints_of(settings))
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from None
    for line in report(checked, "json" if call.own.json else call.own.format):
        print(line)
    return 1 if checked.errors else 0


def translate(call: Call) -> int:
    refuse_strangers(call)
    settings = load_leniently(READING, call.flags, os.environ, call.config)
    from tidegate.composefile.nodes import BrokenYAML
    from tidegate.label_language import entrypoints_of, language_of
    from tidegate.translating.translation import translate as translated

    text, name = read_text(call.own.file), call.own.file
    try:
        found = translated(text, call.own.dialect, language_of(settings), entrypoints_of(settings), name)
    except BrokenYAML as error:
        raise UsageError(f"{name}:{error.place.line}: {error}") from None
    print(found.text, end="")
    for note in found.notes:
        print(printable_lines(note), file=sys.stderr)
    return 0


def read_text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} cannot be read: {error}") from None


def version(call: Call) -> int:
    refuse_strangers(call)
    from tidegate.version import version_text

    print(version_text(), end="")
    return 0


def refuse_strangers(call: Call) -> None:
    if call.strange:
        raise UsageError(f'there is no "{call.strange[0]}" here. See tidegate --help.')


COMMANDS: dict[str, tuple[str, Callable[[Call], int]]] = {
    "run": ("serve what containers and route files ask for", run),
    "routes": ("show routes, services, certificates and problems of the running instance", routes),
    "why": ("say what becomes of a request, or why a container has no route", why),
    "trust": ("say how devices come to trust Tidegate's own authority", trust),
    "healthcheck": ("ask the running instance how it is: exit status 0 when it answers, else 1", healthcheck),
    "labels": ("print the reference of all labels", labels_reference),
    "check": ("say what is wrong in compose files and route files: exit status 1 on errors", check),
    "expand": ("print the long labels that the labels of a file, one a line, stand for", expand),
    "translate": ("print a compose file with Tidegate's labels instead of another proxy's", translate),
    "settings": ("print the reference of all settings", settings_reference),
    "version": ("print the versions of Tidegate and of what it runs on", version),
}


# Reading the line.


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\nSee {self.prog} --help")


def read(arguments: Sequence[str]) -> tuple[str, Call]:
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        meant = closest(arguments[0], COMMANDS)
        known = f'Did you mean "{meant}"?' if meant else f"Known: {', '.join(COMMANDS)}."
        raise UsageError(f'there is no command "{arguments[0]}". {known}')
    if arguments[:1] == ["--version"]:
        arguments = ["version"]
    parser = build_parser()
    if not arguments:
        parser.print_help(sys.stderr)
        raise UsageError("say which command.")
    own, strange = parser.parse_known_args(arguments)
    if not own.command:
        raise UsageError(f'there is no "{arguments[0]}" before a command. See tidegate --help.')
    flags = {name: value for name in flag_spellings() if (value := getattr(own, name, None)) is not None}
    return own.command, Call(flags, getattr(own, "config", None), tuple(strange), own)


def build_parser() -> Parser:
    parser = Parser(prog="tidegate", description=ABOUT, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, (what, _) in COMMANDS.items():
        command = commands.add_parser(
            name, help=what, description=what[0].upper() + what[1:] + ".", allow_abbrev=False
        )
        of_labels = dict.fromkeys(("expand", "check", "translate"), READING)
        wanted = {"run": tuple(options_of(Settings)), **of_labels}.get(name, ASKING)
        if name not in ("settings", "version"):
            add_settings(command, wanted)
        if name == "routes":
            command.add_argument("--json", action="store_true", help="everything, for programs")
        if name == "check":
            what = "compose files (those of one directory are one project), route files; a directory: its own"
            command.add_argument("files", metavar="FILE", nargs="+", help=what)
            command.add_argument("--json", action="store_true", help="everything, for programs")
            command.add_argument("--format", choices=("text", "json", "github"), default="text")
        if name == "translate":
            command.add_argument("file", metavar="FILE", help="a compose file; - for standard input")
            spoken = ("traefik", "caddy", "nginx-proxy")
            command.add_argument("--from", dest="dialect", choices=spoken, required=True, help="whose labels")
        if name == "expand":
            command.add_argument("file", metavar="FILE", help="label lines, NAME=VALUE; - for standard input")
        if name == "why":
            add_question(command)
        if name == "trust":
            command.add_argument("--pem", action="store_true", help="print the root certificate itself")
    return parser


def add_question(parser: Parser) -> None:
    parser.add_argument(
        "about", metavar="URL|CONTAINER", help="blog.example.com/x, or a container's name or id"
    )
    parser.add_argument("--method", default="", help="Default: GET.")
    parser.add_argument("--from", dest="client", metavar="ADDR", default="", help="Default: 127.0.0.1.")
    parser.add_argument("--header", metavar="'NAME: VALUE'", action="append", default=[], help="Repeatable.")
    parser.add_argument("--json", action="store_true", help="everything, for programs")


def flag_spellings() -> list[str]:
    """Flags by Python name; a secret is never one, since all users of a machine see its processes' flags."""
    return [f"{name}_file" if opt.secret else name for name, opt in options_of(Settings).items()]


def add_settings(parser: Parser, names: Sequence[str]) -> None:
    parser.add_argument(
        "--config", metavar="FILE", help="A YAML file with settings. Default: TIDEGATE_CONFIG."
    )
    for name, opt in options_of(Settings).items():
        if name not in names:
            continue
        spelling = f"{name}_file" if opt.secret else name
        several = get_origin(opt.type) is tuple
        parser.add_argument(
            flag_name(spelling),
            dest=spelling,
            metavar="FILE" if opt.secret else metavar(opt),
            action="append" if several else "store",
            help=help_text(opt).replace("%", "%%"),
        )
