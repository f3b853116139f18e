"""Words: times and numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def duration_text(seconds: float) -> str:
    """The two largest units that say something: 3 d 4 h."""
    rest = int(seconds)
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if rest >= size or parts:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(parts[:2]) or "0 s"


def date_text(moment: datetime | None, *, to_the_minute: bool = False) -> str:
    if moment is None:
        return ""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC" if to_the_minute else "%Y-%m-%d")


def count_text(number: int, one: str) -> str:
    """1 problem, 2 problems."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def health_text(health: str, problems: int) -> str:
    return f"{health}, {count_text(problems, 'problem')}" if problems else health
