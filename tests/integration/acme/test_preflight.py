"""Looking before an order, with a real CA and its DNS server."""

import asyncio

import pytest

from acme_client import events, looks
from acme_client.authority import Authority
from acme_client.caa import CAARecord
from acme_client.manager import Manager
from acme_client.preflight import Preflight

pytestmark = pytest.mark.acme

BLOG = "blog.example.com"
PEBBLES_NAME = "pebble.letsencrypt.org"


def test_caa_records_are_found_at_a_real_name_server_also_above_the_name(pebble):
    ca = pebble(sleep=0)
    assert looks.caa(BLOG, (ca.resolver,)) == ("", ())
    ca.allow_only("example.com", "other.test", "third.test; validationmethods=dns-01")
    records = (CAARecord("issue", "other.test"), CAARecord("issue", "third.test; validationmethods=dns-01"))
    zone, found = looks.caa(f"a.{BLOG}", (ca.resolver,))
    assert (zone, set(found)) == ("example.com", set(records))
    ca.allow_only(BLOG, PEBBLES_NAME)
    assert looks.caa(BLOG, (ca.resolver,)) == (BLOG, (CAARecord("issue", PEBBLES_NAME),))
    assert looks.caa(BLOG, (("127.0.0.1", 9), ca.resolver))[0] == BLOG  # the first one is dead
    assert looks.caa(BLOG, ()) is None


async def test_no_failure_is_spent_at_a_ca_that_caa_records_exclude(pebble, gate, monkeypatch, tmp_path):
    ca = await asyncio.to_thread(pebble, sleep=0)
    if PEBBLES_NAME not in (await asyncio.to_thread(ca.directory)).get("meta", {}).get("caaIdentities", ()):
        pytest.skip("this Pebble does not say what it is called in CAA records")
    await asyncio.to_thread(ca.allow_only, "example.com", "other.test")
    monkeypatch.setattr(looks, "addresses", lambda host: ("127.0.0.1",))
    tidegate = gate(ca)
    preflight = Preflight(
        tidegate.said.append, ports={"http-01": ca.http_port}, everywhere=True, resolvers=(ca.resolver,)
    )
    authority = Authority(ca.directory_url, bundle=ca.ca_bundle)
    manager = Manager(
        tmp_path / "data", authority, tidegate._publish, tidegate.said.append, preflight=preflight
    )
    tidegate.manager, tidegate.answerer.answer = manager, manager.http01.answer
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.status(BLOG).state == "failed")
        assert f'CAA 0 issue "{PEBBLES_NAME}"' in tidegate.status(BLOG).last_error
        assert tidegate.told(events.Ordering) == []
        await asyncio.to_thread(ca.allow_only, "example.com", PEBBLES_NAME)
        manager.commands.renew(BLOG)  # its owner has mended it and does not wait
        await tidegate.active((BLOG,))
    assert tidegate.status(BLOG).findings == ()
    assert [path for path in tidegate.answerer.asked if path.startswith("/.well-known/acme-challenge/")]
