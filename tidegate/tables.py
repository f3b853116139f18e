"""Tables: the running instance's status for a terminal, cut to its width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from unicodedata import category, east_asian_width

from tidegate.printable import printable
from tidegate.words import date_text, duration_text

Cell: TypeAlias = Sequence[str]
"""The lines of one cell."""
Row: TypeAlias = Mapping[str, Any]
"""A row of the status as its JSON has it."""

GAP = "  "
NARROWEST = 6


def status_text(status: Row, width: int | None = None) -> str:
    """The whole status; without a width nothing is cut, for programs and files."""
    return "\n\n".join(filter(None, parts(status, width))) + "\n"


def parts(status: Row, width: int | None) -> Iterator[str]:
    yield headline(status)
    yield (
        table(
            ("ADDRESS", "SERVICE", "SERVER", "MIDDLEWARES", "STATE"),
            [route_cells(row) for row in status["routes"]],
            width,
        )
        or "No container asks for a route yet. One label is enough: tidegate.host=NAME"
    )
    yield table(("SERVICE", "SERVER", "USED BY"), [service_cells(row) for row in status["services"]], width)
    yield table(
        ("CERTIFICATE", "STATE", "ISSUER", "UNTIL", "NOTE"),
        [certificate_cells(row) for row in status["certificates"]],
        width,
    )
    if status["problems"]:
        count = len(status["problems"])
        yield "1 PROBLEM" if count == 1 else f"{count} PROBLEMS"
    for problem in status["problems"]:
        texts = (problem["where"], problem["what"], problem["consequence"])
        yield "\n  ".join(printable(text) for text in texts if text)


def headline(status: Row) -> str:
    words = f"Tidegate {status['version']}, up for {duration_text(status['uptime'])}: {status['health']}"
    said = [status["engine"]["what"]] if status["engine"] else []
    return "\n".join(printable(line) for line in dict.fromkeys((words, *said, *status["reasons"])))


def route_cells(row: Row) -> tuple[Cell, ...]:
    addresses = [*row["urls"], *(f"from {url}" for url in row["redirects"])] or [row["rule"]]
    state = f"{row['action']}: {row['reason']}" if row["reason"] else row["action"]
    return addresses, [row["service"]], server_lines(row), row["middlewares"], [state]


def server_lines(row: Row) -> list[str]:
    return [
        each["url"] if each["state"] == "up" else f"{each['url']} ({each['state']})"
        for each in row["servers"]
    ] or ["none"]


def service_cells(row: Row) -> tuple[Cell, ...]:
    return [row["name"]], server_lines(row), row["routers"]


def certificate_cells(row: Row) -> tuple[Cell, ...]:
    note = [row["last_error"]] if row["last_error"] else []
    if row["next_try"]:
        note.append(f"next try {date_text(datetime.fromisoformat(row['next_try']), to_the_minute=True)}")
    until = date_text(datetime.fromisoformat(row["not_after"])) if row["not_after"] else ""
    return [row["host"]], [row["state"]], [row["issuer"]], [until], note


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]], width: int | None) -> str:
    """The rows under their heads, without the columns that say nothing; empty without rows."""
    kept = [column for column in range(len(heads)) if any(any(row[column]) for row in rows)]
    if not kept:
        return ""
    cells = [[[heads[column]] for column in kept]]
    cells += [[[printable(line) for line in row[column]] for column in kept] for row in rows]
    widths = [max(wide(line) for row in cells for line in row[column] or [""]) for column in range(len(kept))]
    if width:
        widths = fit(widths, width - len(GAP) * (len(kept) - 1))
    return "\n".join(line for row in cells for line in row_lines(row, widths))


def row_lines(row: Sequence[Cell], widths: Sequence[int]) -> Iterator[str]:
    for number in range(max(map(len, row))):
        shown = [cell[number] if number < len(cell) else "" for cell in row]
        yield GAP.join(pad(cut(text, most), most) for text, most in zip(shown, widths, strict=True)).rstrip()


def fit(widths: Sequence[int], room: int) -> list[int]:
    """The widths with the widest columns made narrower until all fit."""
    fitted = list(widths)
    while sum(fitted) > room and max(fitted) > NARROWEST:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


def cut(text: str, width: int) -> str:
    if wide(text) <= width:
        return text
    while text and wide(text) >= width:
        text = text[:-1]
    return text + "…"


def pad(text: str, width: int) -> str:
    return text + " " * (width - wide(text))


def wide(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(
        0 if category(char) in ("Mn", "Me") else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )
