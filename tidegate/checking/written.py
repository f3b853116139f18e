"""Written: where each setting stands, for what is said about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidegate.checking.locating import Written
from tidegate.composefile.nodes import Place
from tidegate.sources import PREFIX, Source

_IN_FILE = re.compile(r"(.+?):([0-9]+): (.+)", re.DOTALL)


def written(sources: Sequence[Source]) -> dict[str, Written]:
    """By the settings' names, as the first source has them that has one."""
    found: dict[str, Written] = {}
    for source in sources:
        for name, given in source.given.items():
            flag = given.where.startswith(("--", PREFIX))
            place = None if flag else _IN_FILE.fullmatch(given.where)
            at = Written(place[3], Place(place[1], int(place[2]))) if place else Written(given.where)
            found.setdefault(name, at)
    return found
