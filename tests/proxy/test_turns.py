from __future__ import annotations

from collections import Counter

import pytest

from proxy.turns import FAR, Turns


def order(turns: Turns, weights: list[float], count: int, able: list[int] | None = None) -> str:
    places = list(range(len(weights))) if able is None else able
    return "".join("abc"[turns.take(places, weights)] for _ in range(count))


def test_heavy_ones_come_more_often_but_not_in_a_row() -> None:
    assert order(Turns(2), [11, 3], 14) == "aaabaaaabaaaba"


@pytest.mark.parametrize("weights", [[5.0, 2.0, 3.0], [1.0, 1.0, 1.0], [97.0, 2.0, 1.0]])
def test_over_many_turns_the_shares_are_the_weights(weights: list[float]) -> None:
    counts = Counter(order(Turns(3), weights, 100 * int(sum(weights))))
    assert [counts[each] for each in "abc"] == [100 * weight for weight in weights]


def test_who_was_away_is_not_owed_anything() -> None:
    turns = Turns(2)
    order(turns, [1, 1], 100, able=[0])
    assert Counter(order(turns, [1, 1], 10)) == {"a": 5, "b": 5}


def test_the_clock_is_set_back_before_it_loses_differences() -> None:
    turns = Turns(2)
    order(turns, [3, 1], 40)
    turns.clock += FAR
    turns.due = [when + FAR for when in turns.due]
    assert Counter(order(turns, [3, 1], 400)) == {"a": 300, "b": 100}
    assert turns.clock < FAR
