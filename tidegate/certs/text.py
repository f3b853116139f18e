"""Text: the rows of `tidegate certs` for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tidegate.tables import Entry, Row, problem_lines, table, wrapped
from tidegate.words import date_text

NONE = "No router names a host that wants a certificate yet."


def list_text(answer: Row, width: int | None = None) -> str:
    """Each name in a line, what is wrong with it below."""
    entries = [entry(row) for row in answer["certificates"]]
    shown = table(("NAME", "STATE", "ISSUER", "LEFT", "RENEWAL", "ORDERS LEFT"), entries, width) or NONE
    paused = [line for each in answer["authorities"] for line in outage(each, width)]
    stopped = [line for each in answer["problems"] for line in problem_lines(each, width)]
    return "\n\n".join(filter(None, (shown, "\n".join(paused), "\n".join(stopped)))) + "\n"


def entry(row: Row) -> Entry:
    others = [name for name in row["names"] if name != row["host"]]
    cells = (
        [row["host"], *(f"also {name}" for name in others if not row["covered_by"])],
        [row["state"]],
        [row["issuer"], *([f"by {row['resolver']}"] if row["resolver"] not in ("", "internal") else ())],
        [left_text(row["days_left"])],
        [day(row["renew_at"])],
        [orders_text(row["orders_left"])],
    )
    return Entry(cells, tuple(notes(row)))


def notes(row: Row) -> Iterator[str]:
    """What is wrong, what to do about it, and when Tidegate tries again."""
    if row["covered_by"]:
        yield f"by the certificate for {row['covered_by']}"
    if row["last_error"]:
        yield row["last_error"]
    if row["remedy"]:
        yield row["remedy"]
    yield from (finding for finding in row["findings"] if finding != row["last_error"])
    if row["next_try"]:
        yield f"next try {minute(row['next_try'])}"


def one_text(row: Row, width: int | None = None) -> str:
    """Everything about one name."""
    facts: Sequence[tuple[str, str]] = (
        ("name", row["host"]),
        ("state", row["state"]),
        ("names in it", ", ".join(row["names"])),
        ("issuer", row["issuer"]),
        ("resolver", row["resolver"]),
        ("asked next", row["authority"]),
        ("serial", row["serial"]),
        ("valid from", minute(row["not_before"])),
        ("valid until", until(row)),
        ("renewal", renewal(row)),
        ("next try", minute(row["next_try"])),
        ("last error", row["last_error"]),
        ("what helps", row["remedy"]),
        ("failures", str(row["failures"] or "")),
        ("served by", row["covered_by"]),
        ("this week", week_text(row)),
        *(("seen before", finding) for finding in row["findings"]),
    )
    lines = (f"{name + ':':<13}{text}" for name, text in facts if text)
    return "\n".join(part for line in lines for part in wrapped(line, width, " " * 13)) + "\n"


def until(row: Row) -> str:
    return f"{minute(row['not_after'])} ({left_text(row['days_left'])})" if row["not_after"] else ""


def renewal(row: Row) -> str:
    if not row["renew_at"]:
        return ""
    return f"{minute(row['renew_at'])}, because {row['renew_reason']}"


def outage(authority: Row, width: int | None) -> Iterator[str]:
    if authority["next_try"]:
        yield from wrapped(
            f"{authority['directory']} is not asked until {minute(authority['next_try'])}:", width
        )
        yield from wrapped(f"  {authority['last_error']}", width, "  ")


def left_text(days: float | None) -> str:
    if days is None:
        return ""
    if days < 0:
        return "run out"
    if days < 2:
        return f"{days * 24:.0f} h" if days * 24 >= 2 else f"{days * 1440:.0f} min"
    return f"{int(days)} d"


def orders_text(left: Any) -> str:
    return f"{min(left['name'], left['domain'])}" if left else ""


def week_text(row: Row) -> str:
    left = row["orders_left"]
    if not left:
        return ""
    return f"{left['name']} more for this name, {left['domain']} for new names of its domain"


def day(text: str | None) -> str:
    return date_text(datetime.fromisoformat(text)) if text else ""


def minute(text: str | None) -> str:
    return date_text(datetime.fromisoformat(text), to_the_minute=True) if text else ""
