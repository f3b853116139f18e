"""The report: figures as tables, dashes with their reasons."""

from __future__ import annotations

import pytest

from tests.bench.report import number, report
from tests.bench.row import Absent, Measured, Row, Section

SPEED = Section("Speed", more_is_better=True)
COST = Section("Cost", more_is_better=False)
NAMES = ("nginx", "Caddy", "Traefik", "ours")


def lines(row: Row) -> list[str]:
    return list(report([row], NAMES, ["ours"]))


@pytest.mark.parametrize(
    ("section", "caddy", "ours"),
    [
        (SPEED, "2.00 / 1.00", "0.50 / 0.25"),
        (COST, "0.50 / 0.50", "2.00 / 2.00"),  # half of nginx's cost is twice as good
    ],
)
def test_a_ratio_above_one_is_better_whatever_the_unit(section, caddy, ours):
    row = Row(section, "pages", {"nginx": Measured(10), "Caddy": Measured(20), "ours": Measured(5)})
    assert lines(row)[-2].endswith(f" | {caddy} | {ours} |")


def test_the_best_peer_is_never_one_of_ours():
    row = Row(SPEED, "pages", {"nginx": Measured(10), "ours": Measured(40)})
    assert "| pages | 1.00 / 1.00 | 4.00 / 4.00 |" in lines(row)


def test_who_has_no_figure_at_all_is_one_line_and_no_column():
    row = Row(SPEED, "pages", {"nginx": Measured(10), "Traefik": Absent("not installed")})
    assert lines(row)[:3] == [
        "* – Caddy: not measured",
        "* – Traefik: not installed",
        "* – ours: not measured",
    ]
    assert "|  | nginx |" in lines(row)


def test_a_dash_among_figures_has_its_reason_below():
    speed = Row(SPEED, "pages", {"nginx": Measured(10), "Caddy": Measured(20)})
    chat = Row(SPEED, "chat", {"nginx": Measured(10), "Caddy": Absent("answered 400")})
    text = list(report([speed, chat], ["nginx", "Caddy"], []))
    assert "| chat | 10.0 | – |" in text
    assert "* – Caddy (chat): answered 400" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.314, "0.31"), (9.999, "10.00"), (12.34, "12.3"), (123.4, "123"), (84_633, "84,633")],
)
def test_numbers_have_the_digits_that_mean_something(value, text):
    assert number(value) == text


def test_the_middle_round_counts_and_the_outliers_show():
    assert Measured.of([10, 90, 20]) == Measured(20, spread=4.0)
