"""What a manager does over weeks, and with several CAs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from acme_client import events
from acme_client import order as order_module
from acme_client.authority import KNOWN, Authorities, Authority, choose_authority
from acme_client.failure import Failure
from acme_client.limits import Limits
from tests.acme_client.fake_ca import DIRECTORY, NOON, Clock, FakeCA, certificate
from tests.acme_client.test_manager import BLOG, SHOP, Stage, certified

PRODUCTION, STAGING = KNOWN["letsencrypt"], KNOWN["letsencrypt-staging"]
OTHER = "https://other.example/directory"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(order_module, "FIRST_LOOK", 0.0)


class Several:
    """CAs by their directories, where a manager expects one to open."""

    def __init__(self, **by_name):
        self.by_directory = {ca.directory: ca for ca in by_name.values()}
        self.__dict__ |= by_name

    def open(self, store, authority, clock, lost=""):
        return self.by_directory[authority.directory].open(store, authority, clock, lost)


class At(FakeCA):
    def __init__(self, directory, clock, **more):
        super().__init__(clock, **more)
        self.directory = directory
        self.account = f"{directory}account"


def stage(tmp_path, cas, clock, authority, **more):
    made = Stage(tmp_path, cas, clock, authority, **more)
    for ca in cas.by_directory.values():
        ca.fetch = made.manager.http01.answer
    return made


TWO = Authorities((Authority(DIRECTORY), Authority(OTHER)))


async def test_while_one_ca_is_out_of_order_the_next_one_certifies_and_its_certificate_stays(tmp_path):
    clock = Clock()
    cas = Several(first=At(DIRECTORY, clock), second=At(OTHER, clock))
    cas.first.outage = Failure("authority", "The CA is out of order.", status=503)
    tidegate = stage(tmp_path, cas, clock, TWO)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: len(tidegate.told(events.AuthorityFailed)) == 1)
        await tidegate.settled()
        assert cas.second.ordered == []  # once is no outage
        out_of_order, well = tidegate.manager.authorities()
        assert (out_of_order.directory, out_of_order.last_error) == (DIRECTORY, "The CA is out of order.")
        assert (well.directory, well.next_try) == (OTHER, None)
        tidegate.advance(minutes=2)
        await tidegate.eventually(lambda: tidegate.status(BLOG).state == "active")
        assert cas.second.issued == [BLOG]
        cas.first.outage = None
        tidegate.advance(hours=2)
        tidegate.want(BLOG, SHOP)
        await tidegate.eventually(lambda: tidegate.status(SHOP).state == "active")
        await tidegate.settled()
        assert (cas.first.issued, cas.second.issued) == ([SHOP], [BLOG])
        tidegate.advance(days=62)
        await tidegate.eventually(lambda: len(tidegate.told(events.Obtained)) == 4)
        assert sorted(cas.first.issued) == [BLOG, SHOP, SHOP]
    again = stage(tmp_path, cas, clock, TWO)
    again.want(BLOG, SHOP)
    async with again.running():
        await again.eventually(lambda: again.served == tidegate.served)
        await again.settled()
    assert again.told(events.Ordering) == []


async def test_a_host_whose_limits_are_used_up_at_one_ca_is_certified_by_the_next(tmp_path):
    clock = Clock()
    cas = Several(first=At(DIRECTORY, clock), second=At(OTHER, clock))

    def limited(host, replaces=""):
        raise Failure("rate", "The CA's limit is used up.", status=429, retry_after=3600)

    cas.first.new_order = limited
    tidegate = stage(tmp_path, cas, clock, TWO)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.status(BLOG).state == "active")
    assert cas.second.issued == [BLOG]


async def test_a_host_that_fails_for_its_own_fault_is_not_taken_to_another_ca(tmp_path):
    clock = Clock()
    cas = Several(first=At(DIRECTORY, clock, refusals={BLOG: "connection"}), second=At(OTHER, clock))
    tidegate = stage(tmp_path, cas, clock, TWO)
    tidegate.want(BLOG)
    async with tidegate.running():
        for tries in range(1, 4):
            await tidegate.eventually(lambda tries=tries: len(tidegate.told(events.Failed)) == tries)
            tidegate.clock.now = tidegate.status(BLOG).next_try
            tidegate.want(BLOG)
    assert cas.second.opened == 0


def lets_encrypt(clock):
    return Several(production=At(PRODUCTION, clock), staging=At(STAGING, clock))


async def test_a_host_that_has_failed_is_tried_at_staging_before_production_is_asked_again(tmp_path):
    clock = Clock()
    cas = lets_encrypt(clock)
    for ca in cas.by_directory.values():
        ca.refusals[BLOG] = "connection"
    tidegate = stage(tmp_path, cas, clock, choose_authority("letsencrypt"))
    tidegate.want(BLOG)
    async with tidegate.running():
        for tries in range(1, 4):
            await tidegate.eventually(lambda tries=tries: len(tidegate.told(events.Failed)) == tries)
            tidegate.clock.now = tidegate.status(BLOG).next_try
            tidegate.want(BLOG)
        assert (len(cas.production.ordered), cas.production.issued) == (1, [])
        await tidegate.eventually(lambda: len(tidegate.told(events.Failed)) == 4)
        for ca in cas.by_directory.values():
            ca.refusals.clear()
        tidegate.clock.now = tidegate.status(BLOG).next_try
        tidegate.want(BLOG)
        await tidegate.eventually(lambda: tidegate.status(BLOG).state == "active")
    assert tidegate.served[BLOG].directory == PRODUCTION
    assert (len(cas.production.ordered), cas.production.issued) == (2, [BLOG])
    assert cas.staging.issued == [BLOG]


async def test_that_staging_is_out_of_order_stops_nobody(tmp_path):
    clock = Clock()
    cas = lets_encrypt(clock)
    cas.production.refusals[BLOG] = "connection"
    cas.staging.outage = Failure("unreachable", "The CA cannot be reached.")
    tidegate = stage(tmp_path, cas, clock, choose_authority("letsencrypt"))
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: bool(tidegate.told(events.Failed)))
        cas.production.refusals.clear()
        tidegate.advance(minutes=2)
        await tidegate.eventually(lambda: tidegate.status(BLOG).state == "active")
    assert tidegate.told(events.AuthorityFailed) == []


async def test_the_weeks_limits_are_known_before_the_ca_says_so_also_after_a_restart(tmp_path):
    clock = Clock()
    cas = Several(ca=At(DIRECTORY, clock))
    authority = Authority(DIRECTORY, limits=Limits(per_domain=2, per_name=5))
    tidegate = await certified(tmp_path, BLOG, SHOP, ca=cas.ca, clock=clock, authority=authority)
    again = Stage(tmp_path, cas.ca, clock, authority)
    again.want(BLOG, SHOP, "third.example.com", "blog.example.net")
    async with again.running():
        await again.eventually(lambda: again.status("blog.example.net").state == "active")
        await again.eventually(lambda: again.status("third.example.com").state == "failed")
        assert "third.example.com" not in cas.ca.ordered
        assert "*.example.com" in again.status("third.example.com").last_error
        assert again.status("third.example.com").next_try == NOON + timedelta(days=7)
        again.advance(days=7)
        await again.eventually(lambda: again.status("third.example.com").state == "active")
    assert tidegate.told(events.Failed) == []


async def test_what_would_go_with_the_container_is_not_ordered_from_a_ca_that_counts(tmp_path):
    clock = Clock()
    cas = lets_encrypt(clock)
    tidegate = stage(tmp_path, cas, clock, choose_authority("letsencrypt"), not_kept="Add these two lines")
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: BLOG in tidegate.served)
        await tidegate.settled()
        assert tidegate.status(BLOG).last_error == "Add these two lines"
    assert (cas.production.opened, len(tidegate.told(events.NotKept))) == (0, 1)
    staging = stage(tmp_path, cas, clock, choose_authority("letsencrypt-staging"), not_kept="Add two lines")
    staging.want(BLOG)
    async with staging.running():
        await staging.eventually(lambda: staging.status(BLOG).state == "active")


async def test_a_public_address_is_certified_and_shown_to_clients_that_name_no_host(tmp_path):
    clock = Clock()
    cas = lets_encrypt(clock)
    profiles = []

    def new_order(host, replaces="", profile=""):
        profiles.append(profile)
        return FakeCA.new_order(cas.production, host, replaces)

    cas.production.new_order = new_order
    tidegate = stage(tmp_path, cas, clock, choose_authority("letsencrypt", profile="tlsserver"))
    tidegate.want("9.9.9.9", BLOG, "192.168.1.5")
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.status("9.9.9.9").state == "active")
        await tidegate.eventually(lambda: tidegate.status(BLOG).state == "active")
        assert tidegate.status("192.168.1.5").state == "internal"
    assert sorted(profiles) == ["shortlived", "tlsserver"]
    single = stage(tmp_path, cas, clock, choose_authority("letsencrypt"))
    single.want("9.9.9.9", BLOG)
    async with single.running():
        await single.eventually(lambda: single.default and single.default.directory == PRODUCTION)
    assert single.default == single.served["9.9.9.9"]


async def test_a_profile_that_the_ca_does_not_know_is_left_out_with_a_warning(tmp_path):
    clock = Clock()
    ca = FakeCA(clock)
    new_order = ca.new_order

    def refuse(host, replaces="", profile=""):
        if profile:
            raise Failure("configuration", "no such profile", problem="invalidProfile")
        return new_order(host, replaces)

    ca.new_order = refuse
    tidegate = await certified(
        tmp_path, BLOG, ca=ca, clock=clock, authority=Authority(DIRECTORY, profile="nope")
    )
    [remark] = tidegate.told(events.Remarked)
    assert "'nope'" in str(remark)


@pytest.mark.parametrize(
    "life", [timedelta(days=90), timedelta(days=45), timedelta(days=6), timedelta(seconds=90)]
)
async def test_a_certificate_of_any_life_is_renewed_in_time_again_and_again(tmp_path, life):
    tidegate = Stage(tmp_path)
    tidegate.ca.life = life
    tidegate.want(BLOG)
    async with tidegate.running():
        for times in range(1, 4):
            await tidegate.eventually(lambda times=times: len(tidegate.ca.issued) == times)
            await tidegate.eventually(lambda times=times: len(tidegate.told(events.Obtained)) == times)
            due = tidegate.status(BLOG).renew_at
            assert due - tidegate.clock.now > life / 3
            tidegate.clock.now = due
            tidegate.want(BLOG)


async def test_a_certificate_that_was_made_in_the_future_stops_orders_until_the_clock_is_right(tmp_path):
    await certified(tmp_path, BLOG)
    early = Stage(tmp_path, clock=Clock(NOON - timedelta(days=2)))
    early.want(BLOG, SHOP)
    async with early.running():
        await early.eventually(lambda: len(early.served) == 2)
        await early.settled()
        assert early.ca.opened == 0
        assert early.served[BLOG].directory == DIRECTORY
        assert "clock" in early.status(SHOP).last_error
        early.clock.now = NOON
        early.want(BLOG, SHOP)
        await early.eventually(lambda: early.status(SHOP).state == "active")


def test_a_certificate_of_any_of_the_cas_is_good_but_not_one_of_staging():
    from acme_client.plan import BUILT, Need, due_at

    need = Need(BLOG, DIRECTORY, certificate(BLOG, directory=OTHER), others=(DIRECTORY, OTHER))
    assert due_at(need) > NOON
    assert due_at(replace(need, held=certificate(BLOG, directory=STAGING))) == BUILT
