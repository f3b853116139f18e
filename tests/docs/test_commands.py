"""What the pages tell people to type does what the pages say."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import chdir, redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import PAGES, SITE, Block, blocks, commands
from tidegate.cli import COMMANDS, main
from tidegate.commands.line import read, refuse_strangers
from tidegate.sources import load

CONSOLES = [block for page in PAGES for block in blocks(page) if block.language == "console"]
COMPOSED = [
    block
    for page in PAGES
    for block in blocks(page)
    if block.language == "yaml" and re.search("^services:", block.text, re.MULTILINE)
]
CREDENTIALS = {"CF_DNS_API_TOKEN": "a token that nobody asks about"}
SETTINGS = [block for page in PAGES for block in blocks(page) if block.title == "tidegate.yaml"]


@pytest.mark.parametrize("block", CONSOLES, ids=str)
def test_a_console_shows_what_is_printed(block: Block, tmp_path: Path) -> None:
    """In a directory `home` with the files that the page has shown before; `...` stands for any text."""
    home = tmp_path / "home"
    home.mkdir()
    for each in blocks(block.page)[: block.number]:
        if each.title:
            (home / each.title).write_text(each.text)
    starts = [found.start() for found in re.finditer(r"^\$ ", block.text, re.MULTILINE)]
    assert starts[:1] == [0], "a console begins with a command"
    for start, end in pairwise([*starts, len(block.text)]):
        typed, _, shown = block.text[start + 2 : end].partition("\n")
        printed, pattern = said(typed, home), re.escape(shown).replace(r"\.\.\.", ".*")
        assert re.fullmatch(pattern, printed, re.DOTALL), f"{typed} prints:\n{printed}"


def said(typed: str, directory: Path) -> str:
    program, *arguments = shlex.split(typed)
    assert program == "tidegate", f"a console runs only Tidegate, not {program}: leave its language out"
    printed = io.StringIO()
    with chdir(directory), redirect_stdout(printed), redirect_stderr(printed):
        main(arguments)
    return printed.getvalue()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_is_one(page: Path) -> None:
    """Also where an engine would have to run: commands, flags and their values are read as ever."""
    for words in commands(page):
        _, call = read(words, COMMANDS)
        refuse_strangers(call)
        if words[0] == "run":
            load(call.flags, CREDENTIALS, None)


@pytest.mark.parametrize("block", COMPOSED, ids=str)
def test_a_compose_file_starts_tidegate_with_what_it_understands(block: Block) -> None:
    for service in yaml.safe_load(block.text)["services"].values():
        command = (
            service.get("command") or "" if service.get("image", "tidegate").startswith("tidegate") else ""
        )
        words = command if isinstance(command, list) else shlex.split(command)
        if words:
            _, call = read(words, COMMANDS)
            refuse_strangers(call)
            load(call.flags, CREDENTIALS, None)


@pytest.mark.parametrize("block", SETTINGS, ids=str)
def test_a_settings_file_is_understood(block: Block, tmp_path: Path) -> None:
    (tmp_path / "tidegate.yaml").write_text(block.text)
    load({}, CREDENTIALS, str(tmp_path / "tidegate.yaml"))


def test_there_is_something_to_try() -> None:
    assert min(len(CONSOLES), len(COMPOSED), len(SETTINGS)) > 0
    assert len([words for page in SITE for words in commands(page)]) > 10
