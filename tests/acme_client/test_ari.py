from datetime import timedelta

import pytest

from acme_client.ari import fresh, suggested, unanswered
from acme_client.ledger import Renewal
from acme_client.reading import certificate_id
from tests.acme_client.fake_ca import NOON, certificate

HELD = certificate()
DAY = timedelta(days=1)

# The example of RFC 9773, section 4.1.
RFC_EXAMPLE = b"""-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
"""


def test_a_certificates_name_is_that_of_the_rfc():
    assert certificate_id(RFC_EXAMPLE) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


def window(start, end):
    return {"suggestedWindow": {"start": start.isoformat(), "end": end.isoformat()}}


def ask(document, known=None, now=NOON, wait=None, draw=0.5):
    return suggested(HELD, known or Renewal(), document, now, wait, draw)


def test_the_moment_is_chosen_within_the_window():
    renewal = ask(window(NOON + DAY, NOON + 3 * DAY), draw=0.5)
    assert renewal.chosen == NOON + 2 * DAY


def test_the_moment_is_kept_until_the_window_changes():
    first = ask(window(NOON + DAY, NOON + 3 * DAY), draw=0.1)
    assert ask(window(NOON + DAY, NOON + 3 * DAY), first, draw=0.9).chosen == first.chosen
    assert ask(window(NOON - DAY, NOON), first, draw=0.5).chosen == NOON - DAY / 2


@pytest.mark.parametrize(
    "broken",
    [
        {},
        None,
        [],
        "text",
        {"suggestedWindow": None},
        {"suggestedWindow": {"start": "2027-03-01T12:00:00Z"}},
        {"suggestedWindow": {"start": 1, "end": 2}},
        {"suggestedWindow": {"start": "soon", "end": "later"}},
        {"suggestedWindow": {"start": "2027-03-01T12:00:00", "end": "2027-03-02T12:00:00"}},
        window(NOON, NOON),
        window(NOON + DAY, NOON),
    ],
)
def test_a_broken_window_is_as_good_as_none(broken):
    renewal = ask(broken, ask(window(NOON, NOON + DAY)))
    assert renewal.chosen is None
    assert renewal.ask_again == NOON + timedelta(hours=6)


@pytest.mark.parametrize(
    ("wait", "pause"),
    [
        (None, timedelta(hours=6)),
        (3600.0, timedelta(hours=1)),
        (0.0, timedelta(minutes=1)),
        (9e9, DAY),
    ],
)
def test_the_ca_says_when_to_ask_again_within_reason(wait, pause):
    assert ask(window(NOON, NOON + DAY), wait=wait).ask_again == NOON + pause


def test_no_answer_changes_nothing_but_the_time_of_the_next_question():
    known = ask(window(NOON + DAY, NOON + 3 * DAY))
    later = unanswered(HELD, known, NOON + DAY, None)
    assert (later.chosen, later.ask_again) == (known.chosen, NOON + DAY + timedelta(hours=6))


def test_what_was_said_of_another_certificate_does_not_count():
    known = ask(window(NOON + DAY, NOON + 3 * DAY))
    assert fresh(HELD, known) == known
    assert fresh(certificate(), known).chosen is None
