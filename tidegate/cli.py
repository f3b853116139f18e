"""Command line: from the words that somebody typed to an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from proxy.when_asked import WhenAsked
from tidegate.commands.line import Command, UsageError, printable_lines, read
from tidegate.control import AlreadyRunning, NotAnswering
from tidegate.sources import SettingsError
from tidegate.trust import NoRoot

MODULES = {
    "run": "serving",
    "routes": "running",
    "why": "running",
    "maintenance": "running",
    "healthcheck": "running",
    "certs": "certs",
    "trust": "trust",
    "notify": "notify",
    "check": "files",
    "expand": "files",
    "translate": "files",
    "password": "password",
    "labels": "references",
    "settings": "references",
    "version": "references",
}
"""Where each command is, in `tidegate.commands`; only who calls it pays for it."""


def command_called(name: str) -> Command:
    found: Command = import_module(f"tidegate.commands.{MODULES[name]}").COMMANDS[name]
    return found


COMMANDS: Mapping[str, Command] = WhenAsked(MODULES, command_called)


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        command, call = read(arguments, COMMANDS)
        status = command.do(call)
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


def fail(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status
