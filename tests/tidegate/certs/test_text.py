from datetime import UTC, datetime, timedelta

import pytest

from acme_client.host import HostStatus
from acme_client.limits import Left
from acme_client.outages import AuthorityStatus
from tidegate.certs.rows import rows
from tidegate.certs.text import NONE, left_text, list_text, one_text
from tidegate.status import as_json

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
CA = "https://ca.example/dir"
BLOG = HostStatus(
    "blog.example.com",
    "active",
    "R11",
    NOW + timedelta(days=60.5),
    NOW + timedelta(days=30),
    directory=CA,
    serial="1f",
    names=("blog.example.com", "www.example.com"),
    not_before=NOW - timedelta(days=30),
    renew_reason="a third of its life is left then",
)
SHOP = HostStatus(
    "shop.example.com",
    "failed",
    "Tidegate",
    NOW + timedelta(days=5),
    next_try=NOW + timedelta(minutes=10),
    last_error="The CA found no address.",
    remedy="Correct that.",
    failures=2,
    directory=CA,
)


def answer(*hosts, authorities=()):
    return as_json(rows(hosts, {"blog.example.com": Left(4, 49)}, authorities, NOW))


def test_the_list_begins_with_what_runs_out_first_and_says_what_is_wrong_and_what_helps():
    assert list_text(answer(BLOG, SHOP)).splitlines() == [
        "NAME                  STATE   ISSUER    LEFT  RENEWAL     ORDERS LEFT",
        "shop.example.com      failed  Tidegate  5 d",
        "  The CA found no address.",
        "  Correct that.",
        "  next try 2027-01-15 08:10 UTC",
        "blog.example.com      active  R11       60 d  2027-02-14  4",
        "also www.example.com",
    ]


def test_one_name_says_when_it_is_renewed_and_why_then():
    told = one_text(answer(BLOG)["certificates"][0])
    assert "valid until: 2027-03-16 20:00 UTC (60 d)\n" in told
    assert "renewal:     2027-02-14 08:00 UTC, because a third of its life is left then\n" in told
    assert "this week:   4 more for this name, 49 for new names of its domain\n" in told


def test_an_authority_out_of_order_stands_below():
    out = AuthorityStatus(CA, NOW + timedelta(hours=1), "The CA is out of order for the moment.")
    told = list_text(answer(BLOG, authorities=[out, AuthorityStatus("https://other.example")]))
    assert told.endswith(
        f"\n\n{CA} is not asked until 2027-01-15 09:00 UTC:\n  The CA is out of order for the moment.\n"
    )


def test_without_names_it_says_so():
    assert list_text(answer()) == f"{NONE}\n"


@pytest.mark.parametrize(
    ("days", "text"), [(None, ""), (-0.1, "run out"), (1.5, "36 h"), (0.01, "14 min"), (2.0, "2 d")]
)
def test_what_is_left(days, text):
    assert left_text(days) == text
