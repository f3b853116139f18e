"""Trust: `tidegate trust`, and whose root it shows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tidegate.addresses import OFF
from tidegate.commands.line import ASKING, Call, Command, Parser, refuse_strangers
from tidegate.control import NotAnswering, ask
from tidegate.sources import load_leniently
from tidegate.trust import EVERY_NAME, ROOT, NoRoot, how_to_trust, read_root


def trust(call: Call) -> int:
    refuse_strangers(call)
    data = data_of_trust(call)
    root = EVERY_NAME if call.own.every_name else ROOT
    named = "data" in call.flags
    print(read_root(data, root) if call.own.pem else how_to_trust(data, named, root), end="")
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


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--pem", action="store_true", help="print the root certificate itself")
    every = "the root behind public names of sites with tidegate.tls=internal, instead"
    parser.add_argument("--every-name", action="store_true", help=every)


COMMANDS = {
    "trust": Command("say how devices come to trust Tidegate's own authority", trust, add_arguments),
}
