from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from acme_client.events import AuthorityBack, AuthorityFailed, Failed, Obtained, Ordering, StorageUnwritable
from acme_client.host import HostStatus
from tidegate.notify.memory import Memory, from_json
from tidegate.notify.notices import MOST, Notice, message_of, of_ages, of_event

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
BLOG = "blog.example.com"
FAILED = Failed(BLOG, "The CA found no address.", "NXDOMAIN", NOW + timedelta(hours=1), "validation")


def test_a_failure_is_told_with_its_cause_what_helps_and_the_next_try():
    notice = of_event(FAILED)
    assert notice.text == (
        f"No new certificate for {BLOG}: The CA found no address. Correct that; it is tried again by itself, "
        f"or at once by: tidegate certs renew {BLOG} Next try: 2027-03-01 13:00 UTC."
    )
    assert message_of([notice]).title == f"Tidegate: no new certificate: {BLOG}"


def test_who_is_asked_meanwhile_is_said():
    event = AuthorityFailed("https://a/dir", "It is out of order.", "", NOW)
    assert of_event(event, ("https://a/dir", "https://b/dir")).text.endswith(
        " Meanwhile https://b/dir is asked."
    )
    assert "Meanwhile" not in of_event(event, ("https://a/dir",)).text


def test_what_goes_well_by_itself_is_not_told():
    assert of_event(Ordering(BLOG, "https://a/dir")) is None


def host(left, *, life=90, renewed_at=30, state="active", **more):
    end = NOW + timedelta(days=left)
    renew = None if state == "own" else end - timedelta(days=renewed_at)
    start = end - timedelta(days=life)
    return HostStatus(BLOG, state, "R11", end, renew, serial="1f", names=(BLOG,), not_before=start, **more)


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (host(25), []),
        (host(20), []),
        (host(13.5), ["left-14"]),
        (host(7), ["left-7"]),
        (host(2.5), ["left-3"]),
        (host(0.5), ["left-1"]),
        (host(-1), ["left-0"]),
        (host(2.9, life=6, renewed_at=3), []),  # it is being renewed just now
        (host(0.9, life=6, renewed_at=3), ["left-1"]),
        (host(13, state="own"), ["left-14"]),
        (host(30, state="own"), []),
        (host(5, covered_by="*.example.com"), []),
        (replace(host(5), renew_at=None), ["left-7"]),  # of an authority that is asked no more
    ],
)
def test_a_certificate_that_nothing_renews_is_told_of_in_time(status, kinds):
    assert [each.kind for each in of_ages([status], NOW)] == kinds


def test_what_tidegates_own_authority_renews_by_itself_is_not_told():
    stand_in = HostStatus(BLOG, "failed", "Tidegate", NOW + timedelta(days=1), serial="2", from_us=True)
    assert list(of_ages([stand_in], NOW)) == []


def test_the_same_is_told_once_a_day_and_that_it_is_over_to_who_heard_of_it():
    memory, trouble = Memory(), of_event(FAILED)
    back = of_event(Obtained(BLOG, "R11", NOW + timedelta(days=90), NOW + timedelta(days=60)))
    assert memory.wants(trouble, NOW)
    assert not memory.wants(back, NOW)
    memory.tell(trouble, NOW)
    assert not memory.wants(trouble, NOW + timedelta(hours=23))
    memory = from_json(memory.to_json())  # as after a restart
    assert not memory.wants(trouble, NOW + timedelta(hours=23))
    assert memory.wants(trouble, NOW + timedelta(hours=24))
    assert memory.wants(back, NOW + timedelta(hours=2))
    memory.tell(back, NOW + timedelta(hours=2))
    assert not memory.wants(back, NOW + timedelta(hours=3))
    # A host that comes and goes is told of no more than that.
    assert not memory.wants(trouble, NOW + timedelta(hours=3))


def test_a_number_of_days_is_told_once():
    memory, notice = Memory(), Notice("left-14", BLOG, "14 days")
    memory.tell(notice, NOW)
    assert not memory.wants(notice, NOW + timedelta(days=6))
    assert memory.wants(Notice("left-7", BLOG, "7 days"), NOW + timedelta(days=7))


@pytest.mark.parametrize(
    "document", [None, [], {}, {"told": {"a": "x"}, "open": []}, {"told": {"a": 1}, "open": []}]
)
def test_a_damaged_memory_is_none(document):
    assert from_json(document) == Memory()


def test_many_things_are_one_message():
    many = [Notice("failed", f"h{n}.test", f"line {n}") for n in range(MOST + 5)]
    back = of_event(AuthorityBack("https://a/dir"))
    message = message_of([back, *many])
    assert message.title == f"Tidegate: {MOST + 5} things need a look"
    assert message.text.splitlines()[-1] == "... and 6 more: tidegate certs"
    assert message_of([back]).tone == "good"
    assert message_of([of_event(StorageUnwritable("/data", "full"))]).title == (
        "Tidegate: nothing can be saved: /data"
    )
