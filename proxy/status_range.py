"""Status range: `503`, `500-599`, as some options name the answers they mean."""

from __future__ import annotations

import re

from proxy.values import Unfit


class StatusRange(tuple[int, int]):
    """Two statuses, both included."""

    __slots__ = ()
    _TEXT = re.compile("([1-5][0-9]{2})(?: ?- ?([1-5][0-9]{2}))?")

    @classmethod
    def parse(cls, text: str) -> StatusRange:
        found = cls._TEXT.fullmatch(text)
        if not found or int(found[1]) > int(found[2] or found[1]):
            raise Unfit("a status such as 503 or a range such as 500-599", text)
        return cls((int(found[1]), int(found[2] or found[1])))

    def __contains__(self, status: object) -> bool:
        return isinstance(status, int) and self[0] <= status <= self[1]

    def __str__(self) -> str:
        return str(self[0]) if self[0] == self[1] else f"{self[0]}-{self[1]}"
