import subprocess
import sys
from datetime import timedelta

import pytest

from acme_client.limits import (
    LETS_ENCRYPT,
    WEEK,
    Issued,
    after,
    from_json,
    refuse,
    to_json,
)
from acme_client.registered import Domains, registered
from tests.acme_client.fake_ca import NOON

HOUR = timedelta(hours=1)


def refused(host, issued, new=True, now=NOON):
    domains = registered({host, *(each.host for each in issued)})
    return refuse(host, new=new, issued=issued, limits=LETS_ENCRYPT, domains=domains, now=now)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("*.example.com", "example.com"),
        ("blog.example.co.uk", "example.co.uk"),
        ("blog.me.duckdns.org", "me.duckdns.org"),
        ("me.duckdns.org", "me.duckdns.org"),
        ("blog.me.dedyn.io", "me.dedyn.io"),
        ("blog.me.github.io", "me.github.io"),
        ("blog.example.com.br", "example.com.br"),
        ("a.b.kawasaki.jp", "a.b.kawasaki.jp"),
        ("blog.city.kawasaki.jp", "city.kawasaki.jp"),
        ("blog.xn--bcher-kva.xn--p1ai", "xn--bcher-kva.xn--p1ai"),
        ("co.uk", "co.uk"),
        ("blog.home.lan", "home.lan"),
        ("nas", "nas"),
        ("192.168.1.5", "192.168.1.5"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_part_of_a_name_that_somebody_has_registered(host, domain):
    assert registered([host]) == {host: domain}


def test_the_list_of_suffixes_is_read_for_new_names_only(monkeypatch):
    domains, read = Domains(), []
    monkeypatch.setattr(
        "acme_client.registered.registered", lambda hosts: read.append(set(hosts)) or registered(hosts)
    )
    for hosts in (["a.example.com"], ["a.example.com"], ["a.example.com", "b.example.org"]):
        assert set(domains.of(hosts)) == set(hosts)
    assert read == [{"a.example.com"}, {"b.example.org"}]
    monkeypatch.setattr("acme_client.registered.REMEMBERED", 2)
    assert domains.of(["c.example.net", "a.example.com"])["a.example.com"] == "example.com"


def test_the_list_of_suffixes_is_loaded_by_nobody_who_only_serves():
    program = "import sys, acme_client.manager; print('publicsuffixlist' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout == "False\n"


def test_the_fifty_first_host_of_a_domain_waits_for_the_oldest_to_be_a_week_old_and_hears_of_wildcards():
    issued = [Issued(NOON - timedelta(days=6) + n * HOUR, f"h{n}.example.com") for n in range(50)]
    refusal = refused("one-more.example.com", issued)
    assert refusal.kind == "rate"
    assert "*.example.com" in refusal.cause
    assert timedelta(seconds=refusal.retry_after) == timedelta(days=1)
    assert refused("one-more.example.com", issued[1:]) is None
    assert refused("blog.example.net", issued) is None
    assert refused("one-more.example.com", issued, now=NOON + timedelta(days=1)) is None


def test_the_renewal_of_a_host_does_not_count_against_its_domain():
    issued = [Issued(NOON - HOUR, f"h{n}.example.com") for n in range(50)]
    assert refused("h7.example.com", issued, new=False) is None
    renewals = [Issued(NOON - HOUR, f"h{n}.example.com", new=False) for n in range(50)]
    assert refused("one-more.example.com", renewals) is None


def test_the_sixth_certificate_for_the_same_name_in_a_week_is_not_asked_for():
    issued = [Issued(NOON - timedelta(days=5) + n * HOUR, "blog.example.com", new=n == 0) for n in range(5)]
    refusal = refused("blog.example.com", issued, new=False)
    assert "data directory" in refusal.cause
    assert timedelta(seconds=refusal.retry_after) == timedelta(days=2)
    assert refused("blog.example.com", issued[1:], new=False) is None


def test_what_is_older_than_a_week_is_forgotten():
    old, young = Issued(NOON - WEEK, "a.example.com"), Issued(NOON - HOUR, "b.example.com")
    now = Issued(NOON, "c.example.com")
    assert after([old, young], now) == (young, now)


def test_the_count_survives_json_and_a_damaged_one_counts_as_none():
    issued = (Issued(NOON, "a.example.com"), Issued(NOON, "b.example.com", new=False))
    assert from_json(to_json(issued)) == issued
    for damaged in (None, [], {}, {"issued": [{}]}, {"issued": [{"at": "now", "host": "a", "new": True}]}):
        assert from_json(damaged) == ()
