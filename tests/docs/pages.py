"""What the pages for readers say that can be tried: fenced blocks, commands, flags, names, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidegate.cli import COMMANDS
from tidegate.commands.line import build_parser

ROOT = Path(__file__).parents[2]
SITE = tuple(sorted((ROOT / "docs").glob("*.md")))
PAGES = (*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *SITE)
FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\$ )?(?:docker (?:compose )?exec \S+ )?tidegate +(?P<words>\S.*)$", re.MULTILINE)
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `title` is the file that it is, where it is one."""

    page: Path
    number: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}#{self.number}"


def blocks(page: Path) -> list[Block]:
    return [Block(page, number, *found) for number, found in enumerate(FENCE.findall(page.read_text()), 1)]


def commands(page: Path) -> Iterator[list[str]]:
    """Every line of a block that calls the program, as words behind its name."""
    for block in blocks(page):
        if block.language in ("", "console", "sh"):
            for found in COMMAND.finditer(block.text):
                words = shlex.split(found["words"], comments=True)
                if "--help" not in words:
                    yield words


def known_flags() -> set[str]:
    """All that any command takes."""
    [below] = [each for each in build_parser(COMMANDS)._actions if each.dest == "command"]
    assert isinstance(below.choices, dict)
    return {flag for parser in below.choices.values() for flag in parser._option_string_actions}
