"""The judge of the soak sees what is wrong: otherwise its silence would say nothing."""

from __future__ import annotations

import pytest

from tests.soak import sum as sums
from tests.soak.chaos import Asking, judged
from tests.soak.visitor import Answer
from tests.soak.watch import Held, slope

MINE, OTHER = sums.seed("GET", "/length/100", "1", ""), sums.seed("GET", "/length/100", "2", "")


def asking(how: str) -> Asking:
    return Asking("GET", how, 100, MINE, b"", closes=False)


def answer(seed: str, size: int = 100, status: int = 200, whole: bool = True) -> Answer:
    return Answer(status, {"x-seed": seed}, sums.body(seed, size), whole)


REFUSAL = Answer(502, {}, b"no", True)


@pytest.mark.parametrize(
    ("how", "got", "outcome", "right"),
    [
        ("length", answer(MINE), "right", True),
        ("length", answer(OTHER), "mismatched", False),
        ("length", Answer(200, {"x-seed": MINE}, sums.body(OTHER, 100), True), "mismatched", False),
        ("length", Answer(200, {}, sums.body(MINE, 100), True), "mismatched", False),
        ("length", answer(MINE, 99), "mismatched", False),  # cut short, and passed off as whole
        ("length", answer(MINE, 101), "mismatched", False),
        ("length", answer(MINE, 99, whole=False), "cut in the middle", False),
        ("length", REFUSAL, "answered 502", False),
        ("length", None, "cut without an answer", False),
        ("reset", REFUSAL, "answered 502", True),
        ("reset", answer(MINE), "mismatched", False),
        ("cut", answer(MINE, 50, whole=False), "cut in the middle", True),
        ("cut", answer(MINE, 50), "mismatched", False),
        ("cut", answer(MINE), "right", False),
        ("early", None, "cut without an answer", True),
        ("early", answer(OTHER), "mismatched", False),
        ("early", REFUSAL, "answered 502", False),
    ],
)
def test_what_becomes_of_a_request(how: str, got: Answer | None, outcome: str, right: bool) -> None:
    assert judged(asking(how), got) == (outcome, right)


def test_a_slope_is_in_kilobytes_a_minute() -> None:
    assert slope([Held(at, 1000 + 5 * at, 0, 0) for at in range(0, 600, 7)]) == pytest.approx(300)
    assert slope([Held(1.0, 5, 0, 0)]) == 0
