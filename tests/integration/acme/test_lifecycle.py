"""Profiles, chains, addresses and several CAs, each with a real one."""

import asyncio
from datetime import timedelta

import pytest
from cryptography import x509

from acme_client import events
from acme_client.authority import Authorities, Authority
from acme_client.manager import Manager
from tests.pebble import Pebble

pytestmark = pytest.mark.acme

BLOG, SHOP = "blog.example.com", "shop.example.com"


def common_name(name):
    return name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value


async def test_a_profile_is_asked_for_where_the_ca_has_it(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0, profiles={"default": 90 * 86400, "short": 6 * 86400})
    if "profiles" not in (await asyncio.to_thread(ca.directory)).get("meta", {}):
        pytest.skip("this Pebble has no profiles (needs 2.7)")
    tidegate = gate(ca, profile="short")
    tidegate.want(BLOG, SHOP)
    async with tidegate.running():
        await tidegate.active((BLOG, SHOP))
    for certificate in tidegate.served.values():
        assert timedelta(days=5) < certificate.not_after - certificate.not_before < timedelta(days=7)


async def test_a_profile_that_the_ca_does_not_know_costs_a_warning_and_nothing_else(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca, profile="nope")
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
    [remark] = tidegate.told(events.Remarked)
    assert "'nope'" in remark.remark
    assert tidegate.told(events.Failed) == []


async def test_of_several_chains_the_preferred_one_is_taken(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0, roots=3)
    other = x509.load_pem_x509_certificate((await asyncio.to_thread(ca.issuing_root, 2)).encode())
    wanted = common_name(other.subject)
    tidegate, usual = gate(ca, preferred_chain=wanted), gate(ca, data="usual")
    for each in (tidegate, usual):
        each.want(BLOG)
        async with each.running():
            await each.active((BLOG,))
    preferred = x509.load_pem_x509_certificates(tidegate.served[BLOG].chain_pem)
    assert common_name(preferred[-1].issuer) == wanted
    assert common_name(x509.load_pem_x509_certificates(usual.served[BLOG].chain_pem)[-1].issuer) != wanted


async def test_an_address_gets_a_certificate(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca)
    tidegate.want("127.0.0.1")
    async with tidegate.running():
        await tidegate.active(("127.0.0.1",))
    assert tidegate.served["127.0.0.1"].names == ("127.0.0.1",)


async def test_a_host_that_has_failed_is_tried_at_the_rehearsal_before_its_ca_is_asked_again(
    pebble, gate, monkeypatch, tmp_path
):
    monkeypatch.setattr("acme_client.ledger.HOST_STEPS", (timedelta(seconds=1),))
    real: Pebble = await asyncio.to_thread(pebble, sleep=0, reuse=0)
    staging: Pebble = await asyncio.to_thread(pebble, sleep=0, reuse=0, http_port=real.http_port)
    tidegate = gate(real)
    rehearsal = Authority(staging.directory_url, bundle=staging.ca_bundle)
    authority = Authority(real.directory_url, bundle=real.ca_bundle, rehearsal=rehearsal)
    manager = Manager(tmp_path / "rehearsed", authority, tidegate._publish, tidegate.said.append)
    tidegate.manager, tidegate.answerer.answer = manager, lambda path: b"somebody else"
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: len(tidegate.told(events.Failed)) >= 3)
        rehearsed, asked = len(tidegate.told(events.Rehearsing)), real.log.count("Attempting to validate")
        tidegate.answerer.answer = manager.http01.answer
        await tidegate.active((BLOG,))
    assert rehearsed >= 2
    assert asked == 3  # one challenge, at which it looks three times; all others were staging's
    assert tidegate.served[BLOG].directory == real.directory_url
    assert real.log.count("Issued certificate serial") == 1


async def test_while_one_ca_is_down_the_next_one_certifies(pebble, gate, monkeypatch, tmp_path):
    monkeypatch.setattr("acme_client.ledger.AUTHORITY_STEPS", (timedelta(seconds=1), timedelta(hours=1)))
    first: Pebble = await asyncio.to_thread(pebble, sleep=0)
    second: Pebble = await asyncio.to_thread(pebble, sleep=0, http_port=first.http_port)
    await asyncio.to_thread(first.stop)
    tidegate = gate(first)
    both = tuple(Authority(ca.directory_url, bundle=ca.ca_bundle) for ca in (first, second))
    manager = Manager(tmp_path / "two", Authorities(both), tidegate._publish, tidegate.said.append)
    tidegate.manager, tidegate.answerer.answer = manager, manager.http01.answer
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
    assert tidegate.served[BLOG].directory == second.directory_url
