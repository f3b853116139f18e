"""Line: a command line, read: the settings' flags, and the command's own."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, get_origin

from proxy.frozen import frozen
from proxy.schema import closest, options_of
from tidegate.printable import printable
from tidegate.settings import Settings
from tidegate.settings_reference import help_text, metavar
from tidegate.sources import Flags, flag_name, load_leniently

ABOUT = (
    "A reverse proxy that reads Docker labels and opens an HTTPS gate for every container that asks for one."
)
ASKING = ("data", "dashboard")
"""The settings by which a running instance is found."""


class UsageError(Exception):
    pass


@frozen
class Call:
    """One command line, read: the settings' flags, and the command's own."""

    flags: Flags
    config: str | None
    strange: tuple[str, ...]
    own: argparse.Namespace


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\nSee {self.prog} --help")


def no_arguments(parser: Parser) -> None:
    """The command is told nothing but settings."""


@frozen
class Command:
    """What can be typed: `settings` are those that it takes, `arguments` adds its own."""

    about: str
    do: Callable[[Call], int]
    arguments: Callable[[Parser], None] = no_arguments
    settings: Sequence[str] | None = ASKING
    """None where it takes not even --config."""


def read(arguments: Sequence[str], commands: Mapping[str, Command]) -> tuple[Command, Call]:
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:2], "--help"]
    if arguments and not arguments[0].startswith("-") and arguments[0] not in commands:
        meant = closest(arguments[0], commands)
        known = f'Did you mean "{meant}"?' if meant else f"Known: {', '.join(commands)}."
        raise UsageError(f'there is no command "{arguments[0]}". {known}')
    if arguments[:1] == ["--version"]:
        arguments = ["version"]
    if arguments and arguments[0].startswith("-") and arguments[0] not in ("-h", "--help"):
        raise UsageError(no_command(arguments, commands))
    named = next(iter(arguments), "")
    parser = build_parser({named: commands[named]} if named in commands else commands)
    if not arguments:
        parser.print_help(sys.stderr)
        raise UsageError("say which command.")
    own, strange = parser.parse_known_args(arguments)
    flags = {name: value for name in flag_spellings() if (value := getattr(own, name, None)) is not None}
    return commands[own.command], Call(flags, getattr(own, "config", None), tuple(strange), own)


def no_command(arguments: Sequence[str], commands: Mapping[str, Command]) -> str:
    """What to write instead of a line that begins with a flag."""
    flag = arguments[0].partition("=")[0]
    if flag not in ("--config", *map(flag_name, flag_spellings())):
        return f'there is no "{flag}" before a command. See tidegate --help.'
    command, rest = next((word for word in arguments if word in commands), "run"), list(arguments)
    if command in rest:
        rest.remove(command)
    return f'there is no "{flag}" before a command. Write: tidegate {command} {shlex.join(rest)}'


def build_parser(commands: Mapping[str, Command]) -> Parser:
    parser = Parser(prog="tidegate", description=ABOUT, allow_abbrev=False)
    known = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, command in commands.items():
        what = command.about
        below = known.add_parser(
            name, help=what, description=what[0].upper() + what[1:] + ".", allow_abbrev=False
        )
        if command.settings is not None:
            add_settings(below, command.settings)
        command.arguments(below)
    return parser


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


def one_of(known: Sequence[str]) -> Callable[[str], str]:
    """For `type=` beside `choices=`: what else is written is refused with a hint instead of a list."""

    def read_word(word: str) -> str:
        if word in known:
            return word
        meant = closest(word, known)
        hint = f'Did you mean "{meant}"?' if meant else f"Known: {', '.join(known)}."
        raise argparse.ArgumentTypeError(f'there is no "{word}". {hint}')

    return read_word


def refuse_strangers(call: Call) -> None:
    if call.strange:
        raise UsageError(f'there is no "{call.strange[0]}" here. See tidegate {call.own.command} --help.')


def printable_lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def data_of(call: Call) -> Path:
    """The data directory that a command is about."""
    return load_leniently(ASKING, call.flags, os.environ, call.config).data_directory


def refused(text: str) -> int:
    """Say why nothing came of it; the exit status."""
    for line in text.split("\n"):
        print(printable(line), file=sys.stderr)
    return 1
