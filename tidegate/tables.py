"""Tables: the running instance's status for a terminal, laid out for its width.

Where the columns have room they stand side by side; where they have not, each
row takes two lines or more.  Nothing that somebody may want to copy is cut.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from unicodedata import category, east_asian_width

from proxy.frozen import frozen
from tidegate.printable import printable
from tidegate.words import count_text, date_text, duration_text, health_text

Cell: TypeAlias = Sequence[str]
"""The lines of one cell."""


@frozen
class Entry:
    """A row of a table, and what is too long for a column of it."""

    cells: Sequence[Cell]
    notes: Sequence[str] = ()


Row: TypeAlias = Mapping[str, Any]
"""A row of the status as its JSON has it."""

GAP = "  "
INDENT = "  "


def status_text(status: Row, width: int | None = None) -> str:
    """The whole status; without a width nothing is cut, for programs and files."""
    return "\n\n".join(filter(None, parts(status, width))) + "\n"


def parts(status: Row, width: int | None) -> Iterator[str]:
    yield headline(status, width)
    yield (
        table(
            ("ADDRESS", "STATE", "SERVICE", "SERVER", "MIDDLEWARES"),
            [route_entry(row) for row in status["routes"]],
            width,
        )
        or "No container asks for a route yet. One label is enough: tidegate.host=NAME"
    )
    yield table(("SERVICE", "SERVER", "USED BY"), [service_entry(row) for row in status["services"]], width)
    yield table(
        ("CERTIFICATE", "STATE", "ISSUER", "UNTIL"),
        [certificate_entry(row) for row in status["certificates"]],
        width,
    )
    heads = ("WORKER", "PID", "STATE", "CONNECTIONS", "DEATHS")
    yield table(heads, [worker_entry(row) for row in status["workers"]], width)
    if status["problems"]:
        yield count_text(len(status["problems"]), "problem").upper()
    for problem in status["problems"]:
        yield "\n".join(problem_lines(problem, width))


def problem_lines(problem: Row, width: int | None) -> Iterator[str]:
    yield from wrapped(problem["where"], width)
    for text in (*problem["what"].split("\n"), problem["consequence"]):
        yield from below(text, width)


def headline(status: Row, width: int | None) -> str:
    health = health_text(status["health"], len(status["problems"]))
    words = f"Tidegate {status['version']}, up for {duration_text(status['uptime'])}: {health}"
    said = [status["engine"]["what"]] if status["engine"] else []
    texts = dict.fromkeys((words, *said, *status["reasons"]))
    return "\n".join(line for text in texts for line in wrapped(text, width))


def route_entry(row: Row) -> Entry:
    addresses = [*row["urls"], *(f"from {url}" for url in row["redirects"])] or [row["rule"]]
    reason = f"{row['action']}: {row['reason']}" if row["reason"] else ""
    passes = [*(f"{name} (default)" for name in row["defaults"]), *row["middlewares"]]
    cells = addresses, [row["action"]], [row["service"]], server_lines(row), passes
    return Entry(cells, tuple(filter(None, (row["more"], reason))))


def server_lines(row: Row) -> list[str]:
    return [
        each["url"] if each["state"] == "up" else f"{each['url']} ({each['state']})"
        for each in row["servers"]
    ] or ["none"]


def service_entry(row: Row) -> Entry:
    return Entry(([row["name"]], server_lines(row), row["routers"]))


def certificate_entry(row: Row) -> Entry:
    note = [row["last_error"]] if row["last_error"] else []
    note += [finding for finding in row["findings"] if finding not in note]
    if row["next_try"]:
        note.append(f"next try {date_text(datetime.fromisoformat(row['next_try']), to_the_minute=True)}")
    until = date_text(datetime.fromisoformat(row["not_after"])) if row["not_after"] else ""
    return Entry(([row["host"]], [row["state"]], [row["issuer"]], [until]), tuple(note))


def worker_entry(row: Row) -> Entry:
    cells = (row["number"], row["pid"] or "none", row["state"], row["connections"], row["deaths"])
    return Entry(tuple([str(cell)] for cell in cells))


def table(heads: Sequence[str], entries: Sequence[Entry], width: int | None) -> str:
    """The entries under their heads, without the columns that say nothing; empty without entries."""
    rows = [[[printable(line) for line in cell] for cell in entry.cells] for entry in entries]
    kept = [column for column in range(len(heads)) if any(any(row[column]) for row in rows)]
    if not kept:
        return ""
    head, *rows = [[row[column] for column in kept] for row in ([[name] for name in heads], *rows)]
    widths = [widest(line for row in (head, *rows) for line in row[column]) for column in range(len(kept))]
    side_by_side = not width or sum(widths) + len(GAP) * (len(kept) - 1) <= width
    first = widths[0] if side_by_side else min(widths[0], (width or 0) // 2)
    lines = [*row_lines(head, widths)] if side_by_side else [pad(head[0][0], first) + GAP + head[1][0]]
    for entry, row in zip(entries, rows, strict=True):
        lines += row_lines(row, widths) if side_by_side else stacked(row, first, width or 0)
        lines += [line for note in entry.notes for line in below(note, width)]
    return "\n".join(lines)


def row_lines(row: Sequence[Cell], widths: Sequence[int]) -> Iterator[str]:
    for number in range(max(map(len, row))):
        shown = [cell[number] if number < len(cell) else "" for cell in row]
        yield GAP.join(pad(text, most) for text, most in zip(shown, widths, strict=True)).rstrip()


def stacked(row: Sequence[Cell], first: int, width: int) -> Iterator[str]:
    """The first two columns on a line, if they fit, and all the rest below."""
    (name, *others), second, *rest = row
    pieces = [piece for cell in (*rest, others) for piece in cell if piece]
    title = f"{pad(name, first)}{GAP}{GAP.join(second)}".rstrip()
    if wide(title) > width:
        yield from wrapped(name, width)
        pieces = [*second, *pieces]
    else:
        yield title
    line = ""
    for piece in pieces:
        if line and wide(line) + len(GAP) + wide(piece) > width:
            yield from wrapped(line, width, INDENT)
            line = ""
        line = f"{line}{GAP if line else INDENT}{piece}"
    if line:
        yield from wrapped(line, width, INDENT)


def below(text: str, width: int | None) -> list[str]:
    return wrapped(INDENT + printable(text), width, INDENT) if text else []


def wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    """The text in lines that fit; without a width it is one."""
    text = printable(text)
    if not width or wide(text) <= width:
        return [text]
    narrow = width * len(text) // wide(text)  # letters that take two columns leave room for fewer
    return textwrap.wrap(
        text, max(narrow, 8), subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
    )


def pad(text: str, width: int) -> str:
    return text + " " * (width - wide(text))


def widest(texts: Iterable[str]) -> int:
    return max(map(wide, texts), default=0)


def wide(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(
        0 if category(char) in ("Mn", "Me") else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )
