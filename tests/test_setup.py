"""Which version a build has, in repositories of all kinds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What a build needs to say its version, in a directory of its own, without a repository."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def git(source: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    ran = subprocess.run(["git", "-C", source, *who, *words], check=True, capture_output=True, text=True)
    return ran.stdout.strip()


def commit(source: Path, tag: str = "") -> None:
    git(source, "commit", "--allow-empty", "-qm", "a change")
    if tag:
        git(source, "tag", tag)


def version(source: Path, **said: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    command = [sys.executable, "setup.py", "-q", "--version"]
    ran = subprocess.run(
        command, cwd=source, env={**environment, **said}, check=True, capture_output=True, text=True
    )
    return ran.stdout.split()[-1]


def test_a_tag_is_the_version(source: Path) -> None:
    git(source, "init", "-q")
    commit(source, "v1.2.9")
    assert version(source) == "1.2.9"


def test_what_follows_a_tag_comes_before_the_next_one(source: Path) -> None:
    git(source, "init", "-q")
    commit(source, "v1.2.9")
    commit(source)
    commit(source, "nightly")
    assert version(source) == f"1.2.10.dev2+g{git(source, 'rev-parse', '--short', 'HEAD')}"


def test_a_shallow_clone_has_a_version(source: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    git(source, "init", "-q")
    git(source, "add", ".")
    commit(source, "v1.2.9")
    commit(source)
    clone = tmp_path_factory.mktemp("clone") / "here"
    git(source, "clone", "-q", "--depth", "1", "--no-tags", source.as_uri(), str(clone))
    assert version(clone) == "0.1.0.dev0"


def test_a_repository_around_the_source_is_not_asked(source: Path) -> None:
    git(source, "init", "-q")
    commit(source, "v7.0.0")
    inner = source / "inner"
    shutil.copytree(source, inner, ignore=shutil.ignore_patterns(".git", "inner"))
    assert version(inner) == "0.1.0.dev0"


def test_an_unpacked_sdist_keeps_its_version(source: Path) -> None:
    (source / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: tidegate\nVersion: 3.1.4\n")
    assert version(source) == "3.1.4"


def test_who_builds_may_say_it(source: Path) -> None:
    assert version(source, TIDEGATE_VERSION="v2.0.0") == "2.0.0"
