"""Report: rows as Markdown tables: the figures, then as multiples of nginx's and the best peer's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

from tests.bench.row import Absent, Measured, Row

DASH = "–"
YARDSTICK = "nginx"


def report(rows: Sequence[Row], names: Sequence[str], ours: Collection[str]) -> Iterator[str]:
    """Lines of Markdown, one part a section; `names` are the columns in order."""
    seen = [name for name in names if any(row.value(name) is not None for row in rows)]
    yield from [f"* {DASH} {name}: {first_reason(rows, name)}" for name in names if name not in seen]
    for section in dict.fromkeys(row.section for row in rows):
        members = [row for row in rows if row.section == section]
        columns = [name for name in seen if any(name in row.cells for row in members)]
        peers = [name for name in columns if name not in ours]
        yield f"\n## {section.title}\n"
        if section.note:
            yield f"{section.note}\n"
        yield from table(members, columns, figure)
        if len(columns) > 1 and peers:
            yield f"\nTimes as good as {YARDSTICK} / as the best peer (more than 1 is better than it):\n"
            yield from table(members, columns, partial(ratios, peers=peers))
        yield from ("", *reasons(members, columns))


def first_reason(rows: Sequence[Row], name: str) -> str:
    cells = (row.cells.get(name) for row in rows)
    return next((cell.reason for cell in cells if isinstance(cell, Absent)), "not measured")


def table(rows: Sequence[Row], columns: Sequence[str], cell: Callable[[Row, str], str]) -> Iterator[str]:
    yield line(["", *columns])
    yield line(["---", *("---:" for _ in columns)])
    for row in rows:
        yield line([row.title, *(cell(row, name) for name in columns)])


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def figure(row: Row, name: str) -> str:
    value = row.value(name)
    return DASH if value is None else number(value)


def number(value: float) -> str:
    """Three digits that mean something; thousands are whole."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratios(row: Row, name: str, peers: Collection[str]) -> str:
    pair = row.ratio(name, YARDSTICK), row.ratio(name, row.best(peers))
    if pair == (None, None):
        return DASH
    return " / ".join(DASH if ratio is None else f"{ratio:.2f}" for ratio in pair)


def reasons(rows: Sequence[Row], columns: Sequence[str]) -> Iterator[str]:
    """Why there is a dash: each reason once, with the rows that it is for."""
    why: dict[tuple[str, str], list[str]] = {}
    for name in columns:
        for row in rows:
            if isinstance(cell := row.cells.get(name), Absent):
                why.setdefault((name, cell.reason), []).append(row.title)
    for (name, reason), titles in why.items():
        yield f"* {DASH} {name} ({', '.join(titles)}): {reason}"


def spread(rows: Sequence[Row]) -> str:
    """How far the rounds were apart: how much of a difference to believe."""
    cells = [cell for row in rows for cell in row.cells.values() if isinstance(cell, Measured)]
    found = sorted(cell.spread for cell in cells if cell.spread)
    if not found:
        return "Nothing says how far other rounds would be from these."
    middle, wide = found[len(found) // 2], found[int(len(found) * 0.9)]
    return (
        f"The rounds of one figure lie {middle:.0%} apart in the middle case and {wide:.0%} in one of ten: "
        "believe no smaller difference."
    )
