from datetime import timedelta

import pytest

from acme_client.certificate import INTERNAL
from acme_client.failure import Failure
from acme_client.host import Host
from acme_client.internal_ca import InternalCA
from acme_client.ledger import Entry
from acme_client.names import read_name
from tests.acme_client.fake_ca import DIRECTORY, NOON, certificate

BLOG = "blog.example.com"
LEAF = InternalCA(None).leaf([BLOG], NOON)
FAILED = Entry().failed(Failure("validation", "cause", detail="detail"), NOON, "", 0.0)
PAUSE = Entry().failed(Failure("unreachable", "The CA is away."), NOON + timedelta(minutes=3), "", 0.0)


def host(directory=DIRECTORY, name=BLOG, **more):
    return Host(read_name(name), directory, 1, **more)


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (host(stand_in=LEAF), "waiting"),
        (host(held=certificate(BLOG)), "active"),
        (host(held=certificate(BLOG), entry=FAILED), "active"),  # a renewal that failed harms nobody yet
        (host(held=certificate(BLOG, directory="https://staging.example/")), "waiting"),
        (host(stand_in=LEAF, entry=FAILED), "failed"),
        (host(INTERNAL, held=LEAF), "internal"),
        (host(INTERNAL, name="a_b.example.com", held=LEAF), "failed"),
    ],
)
def test_a_hosts_state_in_one_word(record, state):
    assert record.status(Entry(), NOON).state == state


def test_people_are_told_the_cause_and_the_next_try():
    status = host(stand_in=LEAF, entry=FAILED).status(Entry(), NOON)
    assert status.last_error == "cause (the CA: detail)"
    assert status.next_try == NOON + timedelta(minutes=1)
    assert status.renew_at is None


def test_while_the_ca_is_away_its_hosts_say_so_and_the_internal_ones_do_not():
    waiting = host(stand_in=LEAF, entry=FAILED).status(PAUSE, NOON)
    assert waiting.next_try == NOON + timedelta(minutes=4)
    assert host().status(PAUSE, NOON).last_error == "The CA is away."
    assert host(INTERNAL, held=LEAF).status(PAUSE, NOON).last_error == ""


def test_a_stand_in_is_replaced_before_it_ends():
    record = host(stand_in=LEAF)
    assert not record.lacks_internal(NOON)
    assert record.lacks_internal(LEAF.not_after)
    assert record.lacks_internal(LEAF.not_before - timedelta(days=1))  # dated by a wrong clock
