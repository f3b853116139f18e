"""The list of differences is about cases that exist."""

from __future__ import annotations

import json

import pytest

from tests.conformance.cases import MISSING, directory
from tests.conformance.differs import DIFFERS, NOT_YET


def test_every_difference_names_a_case() -> None:
    found = directory()
    if found is None:
        pytest.skip(MISSING)
    files = {case.partition("/")[0] for case in DIFFERS | NOT_YET}
    known = {
        each["id"] for name in files for each in json.loads((found / f"{name}.json").read_text())["cases"]
    }
    assert (DIFFERS | NOT_YET).keys() <= known
    assert not DIFFERS.keys() & NOT_YET.keys()
