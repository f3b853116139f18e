from dataclasses import replace
from datetime import timedelta

import pytest

from acme_client.failure import Failure
from acme_client.ledger import LATER, Entry, Renewal, entry_from, renewal_from, to_json
from tests.acme_client.fake_ca import NOON


def failed(failure, times=1, entry=None):
    entry = entry or Entry()
    for _ in range(times):
        entry = entry.failed(failure, NOON, "settings", 0.0)
    return entry


VALIDATION = Failure("validation", "somebody else answered")


@pytest.mark.parametrize(
    ("failure", "times", "pause"),
    [
        (VALIDATION, 1, timedelta(minutes=1)),
        (VALIDATION, 2, timedelta(minutes=10)),
        (VALIDATION, 3, timedelta(minutes=100)),
        (VALIDATION, 9, timedelta(days=1)),
        (Failure("rate", "limit", retry_after=3600), 1, timedelta(hours=1)),
        (Failure("rate", "limit", retry_after=3600), 7, timedelta(hours=1)),  # exactly, not longer
        (Failure("rate", "limit"), 1, timedelta(minutes=1)),
        (Failure("authority", "503", retry_after=0), 1, timedelta(seconds=5)),  # never a loop
        (Failure("authority", "503"), 3, timedelta(minutes=5)),
        (Failure("unreachable", "down"), 99, timedelta(hours=1)),
        (Failure("validation", "500", retry_after=1), 1, timedelta(minutes=1)),
        (Failure("validation", "500", retry_after=7200), 1, timedelta(hours=2)),
        (Failure("configuration", "no EAB"), 1, timedelta(days=1)),
        (Failure("bug", "ours"), 1, timedelta(minutes=1)),
    ],
)
def test_how_long_a_failure_makes_wait(failure, times, pause):
    entry = failed(failure, times)
    assert entry.next_try == NOON + pause
    assert entry.failures == times


def test_a_mistake_in_the_settings_is_not_waited_for_once_they_change():
    entry = failed(Failure("configuration", "no EAB"))
    assert entry.under("settings").waits(NOON)
    assert not entry.under("others").waits(NOON)


def test_a_failed_validation_is_waited_for_whatever_the_settings():
    assert failed(VALIDATION).under("others").waits(NOON)


def test_a_record_survives_json():
    entry = failed(Failure("rate", "limit", detail="too many", retry_after=60))
    renewal = Renewal("ab", NOON, NOON + timedelta(days=1), NOON + timedelta(hours=3), None, "why")
    assert entry_from(to_json(entry)) == entry
    assert renewal_from(to_json(renewal)) == renewal


def test_a_wait_by_a_clock_that_has_been_set_back_since_is_none():
    limited = Entry().failed(
        Failure("rate", "limit", retry_after=3600), NOON, "", 0.0, "", "https://ca.example"
    )
    assert limited.by_clock(NOON) == limited
    assert limited.by_clock(NOON + timedelta(days=1)) == limited
    before = limited.by_clock(NOON - timedelta(days=300))
    assert (before.next_try, before.limited_until, before.failures) == (None, None, 1)


def test_a_record_of_an_older_release_is_read():
    entry = failed(VALIDATION)
    document = to_json(entry)
    for later in LATER:
        del document[later]
    assert entry_from(document) == replace(entry, at=None)


def test_failures_before_any_ca_was_asked_do_not_make_those_after_it_wait_longer():
    before = failed(Failure("preflight", "no address"), times=6)
    assert before.next_try == NOON + timedelta(hours=1)
    assert failed(VALIDATION, entry=before).next_try == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("document", [None, [], "text", {}, {"failures": 1}])
def test_what_is_no_record_counts_as_none(document):
    assert entry_from(document) == Entry()


@pytest.mark.parametrize(
    "damage", [{"failures": "1"}, {"failures": None}, {"next_try": "2027-03-01T12:00:00"}, {"cause": None}]
)
def test_a_damaged_record_counts_as_none(damage):
    assert entry_from(to_json(failed(VALIDATION)) | damage) == Entry()
