from datetime import UTC, datetime, timedelta

import pytest

from acme_client.certificate import INTERNAL
from acme_client.ledger import Entry, Renewal
from acme_client.plan import LOOK_AGAIN, Need, choose, clock_is_sane, due_at, renew_at
from tests.acme_client.fake_ca import DIRECTORY, NOON, certificate

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("life", "left"),
    [
        (90 * DAY, 30 * DAY),
        (45 * DAY, 15 * DAY),
        (10 * DAY, 10 * DAY / 3),
        (6 * DAY, 3 * DAY),
        (timedelta(seconds=90), timedelta(seconds=45)),
    ],
)
def test_a_certificate_is_renewed_with_a_third_of_its_life_left_or_half_of_a_short_one(life, left):
    held = certificate(life=life)
    due = held.not_after - left
    assert due - life / 50 <= renew_at(held) <= due
    assert renew_at(held) == renew_at(held)


def test_certificates_of_one_hour_do_not_come_due_together():
    assert len({renew_at(certificate()) - NOON for _ in range(8)}) > 1


def test_the_cas_suggestion_goes_before_the_lifetime():
    held = certificate()
    assert renew_at(held, Renewal(chosen=NOON + DAY)) == NOON + DAY


def test_a_suggestion_that_leaves_no_time_for_a_second_try_is_not_followed():
    held = certificate()
    assert renew_at(held, Renewal(chosen=held.not_after - DAY)) < held.not_after - 30 * DAY + timedelta(
        seconds=1
    )


def need(host="blog.example.com", **more):
    return Need(host, more.pop("directory", DIRECTORY), **more)


def test_a_host_without_a_certificate_is_due_now():
    assert due_at(need()) < NOON


def test_a_certificate_from_another_ca_does_not_count():
    assert due_at(need(held=certificate(directory="https://staging.example/"))) < NOON


def test_a_failure_is_waited_for_even_where_there_is_no_certificate():
    later = NOON + timedelta(minutes=10)
    assert due_at(need(entry=Entry(2, later))) == later


def plan(*needs, authority=None, now=NOON, free=4):
    return choose(needs, {DIRECTORY: authority} if authority else {}, now, free)


def test_the_newest_host_is_not_behind_a_hundred_others():
    waiting = [need(f"h{number}.example.com", wanted=number) for number in range(100)]
    assert plan(*waiting).start == tuple(f"h{number}.example.com" for number in (99, 98, 97, 96))


def test_a_site_without_a_certificate_goes_before_renewals_and_before_what_keeps_failing():
    old = certificate("old.example.com", not_before=NOON - 80 * DAY)
    needs = [
        need("old.example.com", held=old, wanted=9),
        need("bad.example.com", entry=Entry(3, NOON - DAY), wanted=8),
        need("new.example.com", wanted=1),
    ]
    assert plan(*needs).start == ("new.example.com", "bad.example.com", "old.example.com")


@pytest.mark.parametrize(("free", "started"), [(-1, 0), (0, 0), (1, 1), (4, 4), (99, 6)])
def test_no_more_orders_than_places(free, started):
    assert len(plan(*(need(f"h{n}.example.com") for n in range(6)), free=free).start) == started


def test_what_is_under_way_or_internal_is_not_ordered():
    assert plan(need("a.example.com", busy=True), need("b.localhost", directory=INTERNAL)).start == ()


def test_nothing_is_ordered_while_the_ca_wants_to_be_left_alone():
    until = NOON + timedelta(minutes=5)
    paused = plan(need(), authority=Entry(1, until))
    assert (paused.start, paused.wake) == ((), until)
    assert plan(need(), authority=Entry(1, until), now=until).start == ("blog.example.com",)


def test_the_next_look_is_when_something_is_due_and_never_far_away():
    soon = need(entry=Entry(1, NOON + timedelta(minutes=1)))
    assert plan(soon).wake == NOON + timedelta(minutes=1)
    assert plan(need(held=certificate())).wake == NOON + LOOK_AGAIN
    assert plan().wake == NOON + LOOK_AGAIN


@pytest.mark.parametrize(
    ("now", "held", "sane"),
    [
        (datetime(1970, 1, 1, 0, 5, tzinfo=UTC), None, False),
        (NOON, None, True),
        (NOON, certificate(not_before=NOON), True),
        (NOON, certificate(not_before=NOON + DAY), False),
        (NOON, certificate(not_before=NOON + DAY, directory=INTERNAL), True),  # dated by this same clock
    ],
)
def test_a_clock_that_cannot_be_right_is_noticed(now, held, sane):
    assert clock_is_sane(now, [held]) is sane
    if not sane:
        assert plan(need(), need("held.example.com", held=held), now=now).start == ()
