"""Files go into a container and come out of it as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose.image.archive import packed, unpack


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    wheel, script = tmp_path / "a.whl", tmp_path / "prove"
    wheel.write_bytes(b"a wheel\0")
    script.write_bytes(b"#!/bin/sh\n")
    return wheel, script


def test_what_was_packed_is_found_by_its_ending(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    archive = packed(*files, under="wheels")
    found = unpack([archive[:700], archive[700:]], ".whl", tmp_path / "dist")
    assert (found, found.read_bytes()) == (tmp_path / "dist/a.whl", b"a wheel\0")


@pytest.mark.parametrize("ending", [".tar", ""])
def test_none_or_several_are_no_answer(files: tuple[Path, Path], tmp_path: Path, ending: str) -> None:
    with pytest.raises(ValueError, match="values to unpack"):
        unpack([packed(*files, under="wheels")], ending, tmp_path)
