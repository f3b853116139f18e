from datetime import UTC, datetime, timedelta

import pytest

from acme_client.retry import HOST_STEPS, retry_after, wait

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Mon, 01 Mar 2027 12:01:00 GMT", 60.0),
        ("Mon, 01 Mar 2027 13:01:00 +0100", 60.0),
        ("Mon, 01 Mar 2027 12:01:00 -0000", 60.0),  # "no zone" means UTC
        ("Monday, 01-Mar-27 12:01:00 GMT", 60.0),  # obsolete, but to be understood (RFC 9110 5.6.7)
        ("Mon, 01 Mar 2027 11:00:00 GMT", 0.0),
        ("9" * 400, 31 * 86400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 31 * 86400.0),
        ("Mon, 01 Mar 2027 12:01:00 +9999", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("٣", None),
    ],
)
def test_both_forms_of_retry_after_are_understood_and_nothing_else(value, seconds):
    assert retry_after(value, NOON) == seconds


def test_three_tries_in_the_first_hour_and_then_one_a_day():
    waits = [wait(HOST_STEPS, failures, 0.0) for failures in (1, 2, 3, 4, 5, 500)]
    day = timedelta(days=1)
    assert waits == [timedelta(minutes=1), timedelta(minutes=10), timedelta(minutes=100), day, day, day]


def test_hosts_that_failed_together_do_not_come_back_together():
    assert (
        wait(HOST_STEPS, 1, 0.0)
        < wait(HOST_STEPS, 1, 0.5)
        < wait(HOST_STEPS, 1, 0.99)
        < timedelta(seconds=67)
    )
