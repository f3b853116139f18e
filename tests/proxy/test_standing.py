from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.balancing import Balanced, HealthCheck, PassiveHealthCheck
from proxy.model import Server, Service
from proxy.standing import LONGEST_BACK_OFF, Record, Standing
from proxy.values import Duration

A, B, C = (Server(name, f"10.0.0.{n}", 80) for n, name in enumerate("abc", 1))
TWICE = PassiveHealthCheck(failure_window=Duration(10), max_failed_attempts=2)
ONCE = PassiveHealthCheck(failure_window=Duration(10))


def test_failures_within_the_window_leave_a_server_out() -> None:
    record = Record()
    assert not record.failed(TWICE, 100)
    assert not record.failed(TWICE, 111)  # the first is forgotten
    assert record.may_serve(111)
    assert record.failed(TWICE, 112)
    assert not record.may_serve(121.9)
    assert record.may_serve(122)


def test_who_fails_again_is_left_out_for_longer_each_time() -> None:
    record, now, spans = Record(), 1000.0, []
    for _ in range(LONGEST_BACK_OFF + 2):
        assert record.failed(ONCE, now)
        spans.append(record.out_until - now)
        now = record.out_until + 1
    assert spans == [10, 20, 40, 80, 160, 320, 320]
    now += 1000
    assert record.failed(ONCE, now)
    assert record.out_until - now == 10


def test_failures_that_were_on_their_way_do_not_count_again() -> None:
    record = Record()
    record.failed(ONCE, 100)
    assert not record.failed(ONCE, 101)
    assert record.out_until == 110


@pytest.mark.parametrize(("now", "share"), [(100, 0.1), (103, 0.3), (109, 0.9), (110, 1.0), (500, 1.0)])
def test_who_comes_back_gets_more_and_more(now: float, share: float) -> None:
    record = Record()
    record.judge(False, 90)
    record.judge(True, 100)
    assert record.share(now, 10) == pytest.approx(share)


def test_the_average_follows_the_last_answers() -> None:
    record = Record()
    record.answered(1.0)
    assert record.average == 1.0
    for _ in range(30):
        record.answered(0.1)
    assert record.average == pytest.approx(0.1, abs=0.01)


def test_a_server_of_another_weight_or_path_still_has_its_requests() -> None:
    standing = Standing(Service("s", (A, B)))
    standing.records[0].busy, standing.records[1].busy = 1, 2
    a, b = standing.records
    standing.follow(Service("s", (replace(B, weight=0), replace(A, weight=3, path="/app"), C)), 50)
    assert standing.records[:2] == [b, a]
    assert [record.busy for record in standing.records] == [2, 1, 0]
    standing.follow(Service("s", (A, replace(A, path="/v2"), replace(B, port=81))), 60)
    assert standing.records[0] is a
    assert [record.busy for record in standing.records] == [1, 0, 0]


def test_who_stays_as_it_was_keeps_its_own_beside_another_at_its_address() -> None:
    twin = replace(A, path="/v2")
    standing = Standing(Service("s", (A, twin)))
    first, second = standing.records
    standing.follow(Service("s", (replace(A, weight=2), twin)), 50)
    assert standing.records == [first, second]


def test_a_new_table_keeps_what_is_known_of_those_who_stay() -> None:
    how = Balanced(slow_start=Duration(10), health_check=HealthCheck())
    standing = Standing(Service("s", (A, B), how=how))
    standing.records[1].judge(False, 5)
    assert standing.records[0].share(0, 10) == 1.0
    standing.follow(Service("s", (B, C), how=how), 50)
    assert not standing.records[0].well
    assert standing.records[1].share(51, 10) == pytest.approx(0.1)
