from datetime import timedelta

import pytest

from acme_client.aim import aim
from acme_client.failure import Failure
from acme_client.ledger import Entry
from tests.acme_client.fake_ca import NOON

FIRST, SECOND = "https://first.example/", "https://second.example/"


def failed(kind, times=1, **more):
    entry = Entry()
    for _ in range(times):
        entry = entry.failed(Failure(kind, "cause", **more), NOON, "", 0.0, directory=FIRST)
    return entry


@pytest.mark.parametrize(
    ("entry", "pauses", "asked"),
    [
        (Entry(), {}, FIRST),
        (Entry(), {FIRST: failed("authority")}, FIRST),  # a hiccup
        (Entry(), {FIRST: failed("authority", 2)}, SECOND),
        (Entry(), {FIRST: failed("unreachable", 3)}, SECOND),
        (Entry(), {FIRST: failed("authority", 2), SECOND: failed("unreachable", 2)}, FIRST),
        (Entry(), {FIRST: failed("configuration")}, SECOND),  # no external account, say
        (failed("rate", retry_after=3600), {}, SECOND),
        (failed("validation", 3), {}, FIRST),  # it would fail anywhere
        (failed("configuration"), {}, FIRST),
    ],
)
def test_the_next_ca_is_asked_only_for_what_is_the_fault_of_the_one_before(entry, pauses, asked):
    assert aim((FIRST, SECOND), entry, pauses, NOON) == asked


def test_the_first_one_is_asked_again_when_its_time_has_come():
    assert aim((FIRST, SECOND), Entry(), {FIRST: failed("authority", 2)}, NOON + timedelta(hours=2)) == FIRST
    limited = failed("rate", retry_after=3600)
    assert aim((FIRST, SECOND), limited, {}, NOON + timedelta(hours=1)) == FIRST


def test_what_limits_one_ca_says_when_is_nothing_to_the_other_but_is_not_forgotten_over_it():
    limited = failed("rate", retry_after=3600)
    assert limited.next_try_at(FIRST) == NOON + timedelta(hours=1)
    assert limited.next_try_at(SECOND) is None
    then = limited.failed(Failure("validation", "cause"), NOON, "", 0.0, directory=SECOND)
    assert then.next_try_at(SECOND) == NOON + timedelta(minutes=10)
    assert aim((FIRST, SECOND), then, {}, NOON + timedelta(minutes=20)) == SECOND
