"""Flags, variables and labels that the pages name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from discovery.dialects.short import ShortLabels
from proxy.schema import canonical, options_of
from tests.docs.pages import FLAG, PAGES, known_flags
from tidegate.cli import COMMANDS
from tidegate.settings import Settings
from tidegate.sources import CONFIG, variable_name

FOREIGN = {
    "--now": "systemctl",
    "--scale": "docker compose",
    "--resolve": "curl",
    "--build-arg": "docker build",
}
"""Flags of other programs that pages name, and whose they are."""
KNOWN = {"http", "hots", *map(canonical, options_of(ShortLabels))}
"""Words behind `tidegate.`, and one that troubleshooting shows as a mistake."""
MENTIONED = re.compile(r"`(?:docker exec (?:-it )?\S+ )?tidegate ([a-z]+)")
VARIABLE = re.compile(r"\bTIDEGATE_(?!TEST_|VERSION\b)[A-Z_]+\b")
LABEL = re.compile(r"\btidegate\.(?!yaml\b)([A-Za-z]+)(?:\.([A-Za-z]+))?[\w.\[\]]*[=:`]")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_flags_exist(page: Path) -> None:
    assert set(FLAG.findall(page.read_text())) - known_flags() - set(FOREIGN) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    """Those within a sentence; whole lines are read by test_commands."""
    assert set(MENTIONED.findall(page.read_text())) - set(COMMANDS) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_exist(page: Path) -> None:
    ours = {variable_name(name) for name in options_of(Settings)} | {CONFIG}
    named = {name.removesuffix("_FILE") for name in VARIABLE.findall(page.read_text())}
    of_builds = {"TIDEGATE_COMPILE", "TIDEGATE_SUITE", "TIDEGATE_VERSION"}
    assert named - ours - of_builds - {"TIDEGATE_"} == set()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "mistakes.md"], ids=lambda page: page.name
)
def test_labels_exist(page: Path) -> None:
    strange = [found for found in LABEL.findall(page.read_text()) if not KNOWN & set(map(canonical, found))]
    assert strange == []
