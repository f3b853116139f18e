"""The site of docs/: it fails on what leads nowhere, and asks nothing of elsewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from tests.docs.pages import ROOT

LOADED = re.compile(
    r'<(?:script|img|iframe|link rel="(?:stylesheet|icon)")[^>]* (?:src|href)="?(?:https?:)?//[^>]*'
)


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    return Path(shutil.copytree(ROOT / "docs", tmp_path / "docs"))


def build_site(docs: Path) -> Path:
    site = docs.parent / "site"
    build(load_config(str(ROOT / "mkdocs.yml"), docs_dir=str(docs), site_dir=str(site), strict=True))
    return site


def test_a_page_loads_nothing_from_elsewhere(docs: Path) -> None:
    (docs / "threat-model.md").write_text(
        "# Threat model\n"
    )  # one that others write has its place by its name
    pages = list(build_site(docs).glob("*.html"))
    assert {page.stem for page in pages} >= {"index", "labels", "threat-model"}
    assert [found for page in pages for found in LOADED.findall(page.read_text())] == []
    assert 'href="threat-model.html"' in (docs.parent / "site" / "index.html").read_text()


@pytest.mark.parametrize("link", ["nowhere.md", "labels.md#nowhere", "#nowhere", "/labels.md"])
def test_a_link_that_leads_nowhere_is_an_error(docs: Path, link: str) -> None:
    with (docs / "recipes.md").open("a") as page:
        page.write(f"\n[a link]({link})\n")
    with pytest.raises(Abort):
        build_site(docs)


def test_a_file_of_the_repository_that_is_not_there_is_an_error(docs: Path) -> None:
    with (docs / "recipes.md").open("a") as page:
        page.write("\n[a link](../tests/nowhere.py)\n")
    with pytest.raises(FileNotFoundError):
        build_site(docs)
