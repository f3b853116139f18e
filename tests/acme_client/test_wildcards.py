"""Certificates of wildcards that nobody names any more, and the hosts under them."""

import asyncio
from datetime import timedelta

import pytest

from acme_client import events
from acme_client.authority import Authorities, Authority
from acme_client.certificate import INTERNAL
from acme_client.host import Host
from acme_client.ledger import Renewal
from acme_client.names import read_name
from acme_client.plan import covers_until, renew_at
from acme_client.store import Store
from acme_client.wildcards import Wildcards
from tests.acme_client.fake_ca import NOON, certificate
from tests.acme_client.test_manager import BLOG, SHOP, WILDCARD, Stage, stage_with_wildcards

OTHER = "https://other.example/directory"


async def held(data, name, **more):
    """As an import, or an earlier life, has left it."""
    one = certificate(name, **more)
    await asyncio.to_thread(Store(data).save, name, one)
    return one


@pytest.fixture
def stage(tmp_path):
    """Nobody can set a DNS record here, so no wildcard can be had."""
    return lambda **more: Stage(tmp_path, **more)


@pytest.fixture
def with_dns(tmp_path):
    return lambda **more: stage_with_wildcards(tmp_path, **more)


async def active(tidegate, *hosts):
    await tidegate.eventually(lambda: {tidegate.status(host).state for host in hosts} == {"active"})
    await tidegate.settled()


async def test_hosts_do_with_a_wildcard_s_certificate_when_its_label_goes_and_it_is_renewed(with_dns):
    tidegate = with_dns()
    tidegate.want(WILDCARD, BLOG)
    async with tidegate.running():
        await active(tidegate, WILDCARD, BLOG)
        tidegate.want(BLOG, SHOP)
        await active(tidegate, BLOG, SHOP)
        assert tidegate.ca.ordered == [WILDCARD]
        first = tidegate.served[BLOG]
        assert first.names == tidegate.served[SHOP].names == (WILDCARD,)
        assert tidegate.status(SHOP).covered_by == WILDCARD
        assert tidegate.status(SHOP).not_after == first.not_after
        tidegate.advance(days=61)
        await tidegate.eventually(lambda: tidegate.ca.ordered == [WILDCARD, WILDCARD])
        await tidegate.eventually(lambda: tidegate.served[BLOG].not_after > first.not_after)
        tidegate.want()
        await tidegate.settled()
        tidegate.advance(days=61)
        await tidegate.settled()
    assert tidegate.ca.ordered == [WILDCARD, WILDCARD]  # of no use to anybody, it is not renewed


async def test_what_the_disk_holds_for_a_wildcard_is_served_while_no_ca_is_to_be_had(tmp_path, with_dns):
    wildcard = await held(tmp_path, WILDCARD)
    tidegate = with_dns()
    tidegate.ca.outage = AssertionError("nobody has to be asked")
    tidegate.want(BLOG, "a.b.example.com")
    async with tidegate.running():
        await tidegate.eventually(lambda: BLOG in tidegate.served)
        await tidegate.settled()
        assert tidegate.served[BLOG].serial == wildcard.serial
        assert tidegate.status(BLOG).state == "active"
        assert tidegate.served["a.b.example.com"].directory == INTERNAL
    assert BLOG not in {event.host for event in tidegate.told(events.Ordering)}


async def test_where_no_wildcard_can_be_had_hosts_get_their_own_when_it_is_due(tmp_path, stage):
    wildcard = await held(tmp_path, WILDCARD)
    due = renew_at(wildcard)
    tidegate = stage()
    tidegate.want(BLOG)
    async with tidegate.running():
        await active(tidegate, BLOG)
        assert (tidegate.ca.ordered, tidegate.status(BLOG).renew_at) == ([], due)
        tidegate.ca.refusals = {BLOG: "connection"}
        tidegate.clock.now = due + timedelta(minutes=1)
        tidegate.want(BLOG)
        await tidegate.eventually(lambda: tidegate.told(events.Failed))
        assert tidegate.served[BLOG].serial == wildcard.serial  # still better than ours
        tidegate.ca.refusals.clear()
        tidegate.advance(hours=1)
        await tidegate.eventually(lambda: tidegate.ca.issued == [BLOG])
        await tidegate.eventually(lambda: tidegate.served[BLOG].names == (BLOG,))
    assert [status.host for status in tidegate.manager.status()] == [BLOG]


async def test_a_wildcard_whose_renewal_fails_leaves_hosts_the_time_for_their_own(tmp_path, with_dns):
    wildcard = await held(tmp_path, WILDCARD)
    tidegate = with_dns()
    tidegate.ca.refusals = {WILDCARD: "dns"}
    tidegate.want(BLOG)
    async with tidegate.running():
        await active(tidegate, BLOG)
        tidegate.clock.now = renew_at(wildcard) + timedelta(minutes=1)
        tidegate.want(BLOG)
        await tidegate.eventually(lambda: tidegate.told(events.Failed))
        assert BLOG not in tidegate.ca.ordered
        assert tidegate.status(WILDCARD).last_error  # and so its owner hears of it
        tidegate.clock.now = end = covers_until(wildcard, renewable=True)
        assert wildcard.not_after - end > timedelta(days=14)
        tidegate.want(BLOG)
        await tidegate.eventually(lambda: BLOG in tidegate.ca.issued)
        await tidegate.eventually(lambda: tidegate.served[BLOG].names == (BLOG,))
        await tidegate.settled()
        orders = tidegate.ca.ordered.count(WILDCARD)
        tidegate.advance(days=1)
        await tidegate.settled()
    assert tidegate.ca.ordered.count(WILDCARD) == orders


async def test_a_host_that_has_its_own_keeps_it_until_it_is_due_and_does_with_the_wildcard_then(
    tmp_path, with_dns
):
    own = await held(tmp_path, BLOG)
    wildcard = await held(tmp_path, WILDCARD, not_before=NOON + timedelta(days=50))
    tidegate = with_dns()
    tidegate.clock.now = NOON + timedelta(days=51)
    tidegate.want(BLOG)
    async with tidegate.running():
        await active(tidegate, BLOG)
        assert tidegate.served[BLOG].serial == own.serial
        tidegate.clock.now = renew_at(own) + timedelta(minutes=1)
        tidegate.want(BLOG)
        await tidegate.eventually(lambda: tidegate.served[BLOG].serial == wildcard.serial)
        await tidegate.settled()
    assert tidegate.ca.ordered == []


async def test_one_of_an_authority_that_is_asked_no_more_serves_until_the_host_has_its_own(tmp_path, stage):
    wildcard = await held(tmp_path, WILDCARD, directory=OTHER)
    published = []
    tidegate = stage()
    publish = tidegate.manager._holdings._publish_to
    tidegate.manager._holdings._publish_to = lambda served, default: (
        published.append(served[BLOG].serial),
        publish(served, default),
    )
    tidegate.want(BLOG)
    async with tidegate.running():
        await active(tidegate, BLOG)
    assert tidegate.ca.issued == [BLOG]
    assert list(dict.fromkeys(published)) == [wildcard.serial, tidegate.served[BLOG].serial]


@pytest.mark.parametrize(
    "more", [{"not_before": NOON - timedelta(days=100)}, {"directory": INTERNAL}], ids=["old", "ours"]
)
async def test_one_that_ran_out_or_is_our_own_counts_for_nothing(tmp_path, stage, more):
    await held(tmp_path, WILDCARD, **more)
    tidegate = stage()
    tidegate.want(BLOG)
    async with tidegate.running():
        await active(tidegate, BLOG)
    assert tidegate.ca.issued == [BLOG]


async def test_who_asks_for_a_new_one_by_hand_gets_the_host_s_own(tmp_path, stage):
    await held(tmp_path, WILDCARD)
    tidegate = stage()
    tidegate.want(BLOG)
    async with tidegate.running():
        await active(tidegate, BLOG)
        tidegate.manager.commands.renew(BLOG)
        await tidegate.eventually(lambda: tidegate.ca.issued == [BLOG])
        await tidegate.eventually(lambda: tidegate.served[BLOG].names == (BLOG,))


async def test_a_host_of_our_own_authority_stays_with_it(tmp_path, stage):
    await held(tmp_path, WILDCARD)
    tidegate = stage()
    tidegate.hosts = (BLOG,)
    tidegate.manager.want([BLOG], {BLOG: "internal"})
    async with tidegate.running():
        await tidegate.eventually(lambda: BLOG in tidegate.served)
        assert tidegate.served[BLOG].directory == INTERNAL


async def test_an_imported_wildcard_is_used_without_a_restart(tmp_path, stage):
    tidegate = stage()
    tidegate.ca.refusals = {BLOG: "connection"}
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.Failed))
        wildcard = await held(tmp_path, WILDCARD)
        assert await tidegate.manager.reload([WILDCARD]) == [BLOG]
        assert tidegate.served[BLOG].serial == wildcard.serial
        assert (tidegate.status(BLOG).state, tidegate.status(BLOG).last_error) == ("active", "")


def test_there_is_time_for_another_certificate_however_short_a_wildcard_lives():
    for life in (timedelta(seconds=90), timedelta(days=6), timedelta(days=45), timedelta(days=90)):
        one = certificate(WILDCARD, life=life)
        due = renew_at(one)
        assert covers_until(one, renewable=False) == due
        assert due < covers_until(one, renewable=True) <= one.not_after - life / 7


USUAL, NAMED = "https://ca.example/directory", "https://ca.example/directory#company"


def spares(wildcards, now, *, renewal=None, hosts=None):
    """Whether a host that has nothing of its own is spared its order."""
    host = Host(read_name(BLOG), USUAL, 1, others=(USUAL, NAMED))
    named = dict(hosts or {})
    if renewal:
        named[WILDCARD] = Host(read_name(WILDCARD), USUAL, 2, renewal=renewal)
    wildcards.cover(named | {BLOG: host}, now)
    return host.spared


def test_one_that_its_ca_wants_replaced_at_once_spares_no_order_for_long():
    wildcards = Wildcards(Authorities.of(Authority(USUAL, dns="somebody")))
    one = certificate(WILDCARD, directory=USUAL)
    wildcards.keep(WILDCARD, one)
    asked = Renewal(serial=f"{one.serial:x}", chosen=NOON + timedelta(days=5))
    assert spares(wildcards, NOON + timedelta(days=5, hours=23), renewal=asked)
    assert not spares(wildcards, NOON + timedelta(days=6, hours=1), renewal=asked)
    wildcards.keep(WILDCARD, one)
    of_another = Renewal(serial="1", chosen=asked.chosen)
    assert spares(wildcards, NOON + timedelta(days=6, hours=1), renewal=of_another)
    usual = Renewal(serial=f"{one.serial:x}", chosen=renew_at(one) - timedelta(days=2))
    assert spares(wildcards, renew_at(one) + timedelta(days=3), renewal=usual)


def test_a_clock_that_was_wrong_for_a_while_loses_none():
    wildcards = Wildcards(Authorities.of(Authority(USUAL, dns="somebody")))
    wildcards.keep(WILDCARD, certificate(WILDCARD, directory=USUAL))
    assert spares(wildcards, NOON + timedelta(days=1))
    assert not spares(wildcards, NOON - timedelta(days=30))
    assert spares(wildcards, NOON + timedelta(days=1))


@pytest.mark.parametrize("able", [USUAL, NAMED])
def test_one_can_be_renewed_where_its_own_resolver_can_prove_it(able):
    both = tuple(Authority(each, dns="somebody" if each == able else "") for each in (USUAL, NAMED))
    for directory in (USUAL, NAMED):
        wildcards = Wildcards(Authorities(both))
        wildcards.keep(WILDCARD, certificate(WILDCARD, directory=directory))
        assert spares(wildcards, NOON + timedelta(days=1))
        assert dict(wildcards.needed) == ({WILDCARD: directory} if directory == able else {})
