"""The cases of Traefik's conformance suite, kept outside this repository.

`../shared/conformance/traefik` is looked for beside the checkout and beside
each directory above it; without it these tests are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.conformance.differs import DIFFERS, NOT_YET

Case: TypeAlias = dict[str, Any]
USED: set[str] = set()
"""Cases that some test has taken up, by their ids."""
MISSING = "the conformance cases (../shared/conformance/traefik) are not on this machine"


@cache
def directory() -> Path | None:
    for parent in Path(__file__).resolve().parents:
        found = parent.parent / "shared" / "conformance" / "traefik"
        if found.is_dir():
            return found
    return None


def cases(name: str, *kinds: str, where: Callable[[Case], bool] = lambda case: True) -> pytest.MarkDecorator:
    """Parametrise a test by the file's cases of these kinds, those that differ on purpose left out.

    What is not done yet is expected to fail: once it passes, the list of it has to say so.
    """
    found = directory()
    if found is None:
        skipped = pytest.param({}, marks=pytest.mark.skip(reason=MISSING), id=name)
        return pytest.mark.parametrize("case", [skipped])
    whole = json.loads((found / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    chosen = [case for case in whole if (not kinds or case.get("kind") in kinds) and where(case)]
    USED.update(case["id"] for case in chosen)
    kept = [
        pytest.param(case, id=case["id"], marks=_marks(case["id"]))
        for case in chosen
        if case["id"] not in DIFFERS
    ]
    return pytest.mark.parametrize("case", kept)


def _marks(ident: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xfail(reason=NOT_YET[ident], strict=True)] if ident in NOT_YET else []
