import asyncio
import threading
import time
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from acme_client import events
from acme_client import manager as manager_module
from acme_client import order as order_module
from acme_client.authority import Authority, choose_authority
from acme_client.certificate import INTERNAL
from acme_client.failure import Failure
from acme_client.limits import Limits
from acme_client.manager import Manager
from acme_client.store import Store
from tests.acme_client.fake_ca import DIRECTORY, NOON, Clock, FakeCA, certificate

BLOG, SHOP = "blog.example.com", "shop.example.com"
AUTHORITY = Authority(DIRECTORY)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(order_module, "FIRST_LOOK", 0.0)


class Stage:
    """A manager with a CA in memory, its clock, and all that it said and published."""

    def __init__(self, data, ca=None, clock=None, authority=AUTHORITY, **more):
        self.data = data
        self.clock = clock or Clock()
        self.ca = ca or FakeCA(self.clock)
        self.said = []
        self.served = {}
        self.default = None
        self.manager = Manager(
            data,
            authority,
            self.publish,
            self.said.append,
            clock=self.clock,
            open_session=self.ca.open,
            **more,
        )
        self.ca.fetch = self.manager.http01.answer
        self.hosts = ()

    def publish(self, served, default):
        self.served, self.default = dict(served), default

    def want(self, *hosts):
        self.hosts = hosts
        self.manager.want(hosts)

    def advance(self, **amount):
        """Time goes by; the loop looks at the clock again as it would after a sleep."""
        self.clock.advance(**amount)
        self.manager.want(self.hosts)

    def status(self, host):
        return next(status for status in self.manager.status() if status.host == host)

    def told(self, kind):
        return [event for event in self.said if isinstance(event, kind)]

    async def eventually(self, claim, within=30.0):
        deadline = time.monotonic() + within
        while not claim():
            assert time.monotonic() < deadline, f"{self.manager.status()}\n{self.said}"
            await asyncio.sleep(0.005)

    async def eventually_stored(self, host, claim):
        async with asyncio.timeout(30):
            while not claim(await asyncio.to_thread(Store(self.data).load, host)):
                await asyncio.sleep(0.005)

    async def settled(self, passes=3):
        """Nothing is under way any more, unless it hangs, and the loop has looked a few times since."""
        for _ in range(passes):
            self.manager.want(self.hosts)
            passed = self.manager._passed
            with suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await passed.wait()
            await asyncio.sleep(0.01)
            patience = time.monotonic() + 1.5
            while any(host.busy for host in self.manager._hosts.values()) and time.monotonic() < patience:
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def running(self):
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.manager.run())
            try:
                yield self
            finally:
                task.cancel()


async def certified(data, *hosts, **more):
    stage = Stage(data, **more)
    stage.want(*hosts)
    async with stage.running():
        await stage.eventually(lambda: all(status.state == "active" for status in stage.manager.status()))
    return stage


async def test_a_wanted_host_gets_a_certificate_and_serves_the_internal_one_meanwhile(tmp_path):
    stage = Stage(tmp_path)
    stage.want(BLOG)
    published = []
    stage.manager._holdings._publish_to = lambda served, default: published.append(served[BLOG].directory)
    async with stage.running():
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
        await stage.eventually(lambda: len(published) == 2)
    assert published == [INTERNAL, DIRECTORY]
    status = stage.status(BLOG)
    assert (status.issuer, status.last_error, status.next_try) == ("Fake CA", "", None)
    assert status.renew_at < status.not_after


async def test_names_that_no_ca_certifies_are_internal_and_cost_no_order(tmp_path):
    public = choose_authority("letsencrypt")
    stage = Stage(tmp_path, authority=public)
    stage.want("blog.localhost", "nas", "192.168.1.5", "a_b.example.com")
    async with stage.running():
        await stage.eventually(lambda: len(stage.served) == 4)
        await stage.settled()
    assert stage.ca.opened == 0
    assert stage.status("blog.localhost").state == "internal"
    assert stage.status("a_b.example.com").state == "failed"
    assert "underscore" in stage.status("a_b.example.com").last_error
    assert [event.host for event in stage.told(events.Refused)] == ["a_b.example.com"]


async def test_a_host_that_wants_no_authority_but_ours_gets_its_certificate_from_there(tmp_path):
    stage = Stage(tmp_path)
    stage.hosts = (BLOG, SHOP, "*.example.com")
    stage.manager.want(stage.hosts, {BLOG: INTERNAL, "*.example.com": INTERNAL})
    async with stage.running():
        await stage.eventually(
            lambda: {each.directory for each in stage.served.values()} == {INTERNAL, DIRECTORY}
        )
        assert stage.served[BLOG].directory == INTERNAL
        assert (stage.status(BLOG).state, stage.status(SHOP).state) == ("internal", "active")
        assert stage.status("*.example.com").state == "internal"  # a CA would have refused it
    again = Stage(tmp_path, clock=stage.clock)
    again.manager.want((BLOG,), {BLOG: INTERNAL})
    async with again.running():
        await again.eventually(lambda: BLOG in again.served)
        assert again.served[BLOG] == stage.served[BLOG]
    assert again.ca.opened == 0


async def test_who_changes_his_mind_about_the_authority_is_served_until_the_other_one_has_certified(tmp_path):
    stage = Stage(tmp_path)
    stage.manager.want((BLOG,), {BLOG: INTERNAL})
    async with stage.running():
        await stage.eventually(lambda: stage.status(BLOG).not_after)
        stage.manager.want((BLOG,))
        await stage.eventually(lambda: stage.served[BLOG].directory == DIRECTORY)
        stage.manager.want((BLOG,), {BLOG: INTERNAL})
        assert stage.served[BLOG].directory == DIRECTORY
        await stage.eventually(lambda: stage.served[BLOG].directory == INTERNAL)


async def test_a_client_that_names_no_host_gets_a_certificate_with_the_wanted_addresses(tmp_path):
    stage = Stage(tmp_path)
    stage.want()
    async with stage.running():
        await stage.eventually(lambda: stage.default is not None)
        assert stage.default.names == ("tidegate.invalid",)
        stage.want("192.168.1.5")
        await stage.eventually(lambda: stage.default.names == ("192.168.1.5",))


async def test_after_a_restart_the_same_certificates_are_served_and_nothing_is_ordered(tmp_path):
    hosts = (BLOG, SHOP)
    before = await certified(tmp_path, *hosts)
    local = Stage(tmp_path, ca=before.ca)
    local.want(*hosts)
    async with local.running():
        await local.eventually(lambda: local.served == before.served)
        await local.settled()
    assert sorted(before.ca.ordered) == sorted(hosts)


async def test_internal_certificates_too_are_the_same_after_a_restart(tmp_path):
    off = Authority(None)
    served = []
    for _ in range(2):
        stage = Stage(tmp_path, authority=off)
        stage.want(BLOG, "nas")
        async with stage.running():
            await stage.eventually(lambda stage=stage: len(stage.served) == 2)
            await stage.eventually(lambda: (tmp_path / "certs" / "nas" / "ledger.json").exists())
            served.append((stage.served, stage.default))
    assert served[0] == served[1]
    assert stage.status(BLOG).state == "internal"


async def test_a_certificate_is_renewed_while_the_old_one_is_served(tmp_path):
    stage = await certified(tmp_path, BLOG)
    old = stage.served[BLOG]
    stage.said.clear()
    async with stage.running():
        stage.advance(days=57)
        await stage.eventually(lambda: stage.served[BLOG] == old)
        await stage.settled()
        assert stage.ca.issued == [BLOG]
        stage.advance(days=4)
        await stage.eventually(lambda: stage.served[BLOG] != old)
    assert [event.renewed for event in stage.told(events.Obtained)] == [True]
    assert stage.served[BLOG].key_pem != old.key_pem


async def test_a_host_that_nobody_wants_any_more_is_not_renewed_and_used_at_once_when_it_is_back(tmp_path):
    stage = await certified(tmp_path, BLOG)
    held = stage.served[BLOG]
    async with stage.running():
        stage.want()
        await stage.settled()
        assert stage.served == {BLOG: held}  # its visitors read that it is away, not that it is false
        stage.advance(days=89)
        await stage.settled()
        assert stage.ca.issued == [BLOG]
        stage.advance(days=2)
        await stage.eventually(lambda: BLOG not in stage.served)
        stage.clock.now = NOON + timedelta(days=10)
        stage.want(BLOG)
        await stage.eventually(lambda: stage.served.get(BLOG) == held)
        await stage.settled()
    assert stage.ca.issued == [BLOG]


async def test_a_flapping_container_costs_one_certificate(tmp_path):
    stage = Stage(tmp_path)
    async with stage.running():
        for _ in range(30):
            stage.want(BLOG)
            await asyncio.sleep(0.003)
            stage.want()
            await asyncio.sleep(0.001)
        stage.want(BLOG)
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
        await stage.settled()
    assert stage.ca.ordered == [BLOG]


async def test_a_failure_is_told_with_its_cause_and_waited_for_over_restarts(tmp_path):
    clock = Clock()
    ca = FakeCA(clock, refusals={BLOG: "connection"})
    for _ in range(6):  # a restart loop
        stage = Stage(tmp_path, ca, clock)
        stage.want(BLOG)
        async with stage.running():
            await stage.eventually(lambda stage=stage: bool(stage.status(BLOG).last_error))
            await stage.settled()
    assert ca.ordered == [BLOG]
    status = stage.status(BLOG)
    assert status.state == "failed"
    assert "port 80" in status.last_error
    assert "the CA's own words" in status.last_error
    assert NOON + timedelta(minutes=1) <= status.next_try <= NOON + timedelta(seconds=66)


async def test_failures_are_spaced_out_and_end_with_success(tmp_path):
    stage = Stage(tmp_path)
    stage.ca.refusals[BLOG] = "dns"
    stage.want(BLOG)
    async with stage.running():
        for tries in range(1, 5):
            await stage.eventually(lambda tries=tries: len(stage.told(events.Failed)) == tries)
            stage.clock.now = stage.status(BLOG).next_try
            if tries == 4:
                stage.ca.refusals.clear()
            stage.want(BLOG)
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
    waits = [failed.next_try for failed in stage.told(events.Failed)]
    for (earlier, later), least in zip(pairwise([NOON, *waits]), (1, 10, 100, 1440), strict=True):
        assert timedelta(minutes=least) <= later - earlier <= timedelta(minutes=least * 1.1)
    assert stage.status(BLOG).last_error == ""


async def test_each_attempt_tries_the_next_kind_of_challenge_also_over_restarts_and_keeps_what_works(
    tmp_path,
):
    clock = Clock()
    ca = FakeCA(clock, kinds=("http-01", "tls-alpn-01"), refusals={BLOG: "connection"})
    both = ("http-01", "tls-alpn-01")
    for tries in range(1, 4):
        stage = Stage(tmp_path, ca, clock, challenges=both)
        stage.want(BLOG)
        async with stage.running():
            await stage.eventually(lambda tries=tries: len(ca.answered) == tries)
            await stage.eventually(lambda stage=stage: bool(stage.told(events.Failed)))
        clock.now = stage.status(BLOG).next_try
    assert ca.answered == ["http-01", "tls-alpn-01", "http-01"]
    ca.refusals.clear()
    stage = await certified(tmp_path, BLOG, ca=ca, clock=clock, challenges=both)
    clock.advance(days=80)
    stage = Stage(tmp_path, ca, clock, challenges=both)
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: ca.issued == [BLOG, BLOG])
    assert ca.answered[3:] == ["tls-alpn-01", "tls-alpn-01"]


async def test_however_often_it_fails_a_host_is_not_tried_more_than_five_times_in_an_hour(tmp_path):
    stage = Stage(tmp_path, challenges=("http-01", "tls-alpn-01"))
    stage.ca.kinds, stage.ca.refusals = ("http-01", "tls-alpn-01"), {BLOG: "connection"}
    tried = []
    stage.want(BLOG)
    async with stage.running():
        while stage.clock.now < NOON + timedelta(hours=3):
            await stage.settled(1)
            tried += [stage.clock.now] * (len(stage.ca.ordered) - len(tried))
            stage.advance(minutes=5)
    for first in tried:
        assert len([each for each in tried if first <= each < first + timedelta(hours=1)]) <= 5
    assert len(tried) > 3


async def test_one_bad_host_does_not_harm_the_others(tmp_path):
    stage = Stage(tmp_path)
    stage.ca.refusals[BLOG] = "caa"
    stage.want(BLOG, SHOP)
    async with stage.running():
        await stage.eventually(lambda: stage.status(SHOP).state == "active")
        await stage.eventually(lambda: stage.status(BLOG).state == "failed")


async def test_while_the_ca_is_down_everything_is_served_and_asked_for_again_later(tmp_path):
    held = await certified(tmp_path, BLOG)
    stage = Stage(tmp_path, held.ca, held.clock)
    stage.ca.outage = Failure("unreachable", "The CA cannot be reached from this machine.")
    stage.want(BLOG, SHOP, "third.example.com")
    async with stage.running():
        await stage.eventually(lambda: stage.status(SHOP).next_try is not None)
        assert stage.status(BLOG).state == "active"
        assert stage.served[SHOP].directory == INTERNAL
        assert stage.status(SHOP).state == "waiting"
        assert "cannot be reached" in stage.status(SHOP).last_error
        await stage.settled()
        assert len(stage.told(events.AuthorityFailed)) == 1
        stage.ca.outage = None
        stage.advance(minutes=2)
        await stage.eventually(lambda: stage.status(SHOP).state == "active")
        await stage.eventually(lambda: stage.status("third.example.com").state == "active")
    assert stage.status(SHOP).last_error == ""


async def test_a_ca_that_wants_to_be_left_alone_for_an_hour_is_and_by_the_next_life_too(tmp_path):
    clock = Clock()
    ca = FakeCA(clock, outage=Failure("authority", "The CA is out of order.", status=503, retry_after=3600))
    first = Stage(tmp_path, ca, clock)
    first.want(BLOG)
    async with first.running():
        await first.eventually(lambda: bool(first.told(events.AuthorityFailed)))
    ca.outage = None
    clock.advance(minutes=59)
    second = Stage(tmp_path, ca, clock)
    second.want(BLOG, SHOP)
    async with second.running():
        await second.eventually(lambda: len(second.served) == 2)
        await second.settled()
        assert ca.ordered == []
        assert second.status(SHOP).next_try == NOON + timedelta(hours=1)
        second.advance(minutes=1)
        await second.eventually(lambda: second.status(SHOP).state == "active")


async def test_a_mistake_in_the_settings_waits_a_day_or_until_they_change(tmp_path):
    clock = Clock()
    ca = FakeCA(clock, outage=Failure("configuration", "needs EAB", wide=True))
    stage = Stage(tmp_path, ca, clock)
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: bool(stage.told(events.AuthorityFailed)))
    assert stage.status(BLOG).next_try >= NOON + timedelta(days=1)
    ca.outage = None
    stage = Stage(tmp_path, ca, clock, Authority(DIRECTORY, eab_kid="kid", eab_hmac="key"))
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: stage.status(BLOG).state == "active")


async def test_an_order_under_way_when_the_program_died_is_gone_on_with(tmp_path):
    clock = Clock()
    ca = FakeCA(clock)
    stage = Stage(tmp_path, ca, clock)
    ca.fetch = lambda path: None
    died, dead = asyncio.Event(), threading.Event()
    finalize = ca.finalize

    def die(url, csr_der):
        stage.manager._changed.set()
        died.set()
        dead.wait(60)
        raise Failure("unreachable", "never seen: the program is dead")

    ca.finalize = die
    ca.fetch = stage.manager.http01.answer
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(died.is_set)
    dead.set()
    ca.finalize = finalize
    stage = Stage(tmp_path, ca, clock)
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
    assert ca.ordered == [BLOG]
    assert [event.resumed for event in stage.told(events.Ordering)] == [True]


async def test_an_account_that_the_ca_has_forgotten_is_made_anew_and_the_order_goes_on(tmp_path):
    stage = await certified(tmp_path, BLOG)
    stage.ca.unknown_accounts.add(stage.ca.account)
    stage.want(BLOG, SHOP)
    async with stage.running():
        await stage.eventually(lambda: stage.status(SHOP).state == "active")
    assert stage.told(events.Failed) == []
    assert stage.told(events.AuthorityFailed) == []


async def test_two_instances_on_one_storage_make_one_order(tmp_path, monkeypatch):
    monkeypatch.setattr("acme_client.challenges.neighbours.ALONE", 0.1)
    monkeypatch.setattr("acme_client.challenges.neighbours.TOGETHER", 0.1)
    clock = Clock()
    ca = FakeCA(clock)
    first, second = Stage(tmp_path, ca, clock), Stage(tmp_path, ca, clock)
    ca.fetch = lambda path: first.manager.http01.answer(path) or second.manager.http01.answer(path)
    first.want(BLOG)
    second.want(BLOG)
    async with first.running(), second.running():

        def both():
            clock.advance(seconds=1)
            first.manager.want([BLOG])
            second.manager.want([BLOG])
            active = first.status(BLOG).state == second.status(BLOG).state == "active"
            return active and first.served == second.served

        await first.eventually(both)
    assert ca.ordered == [BLOG]


async def test_nothing_is_ordered_where_nothing_could_be_saved_and_it_goes_on_by_itself(tmp_path):
    data = tmp_path / "data"
    data.write_text("a file where the folder should be")
    stage = Stage(data)
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: BLOG in stage.served)
        await stage.settled()
        assert stage.ca.opened == 0
        assert len(stage.told(events.StorageUnwritable)) == 1
        assert "Nothing can be saved" in stage.status(BLOG).last_error
        data.unlink()
        stage.advance(minutes=2)
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
    assert len(stage.told(events.StorageWritable)) == 1
    assert stage.status(BLOG).last_error == ""


async def test_a_certificate_that_could_not_be_saved_is_served_and_saved_later(tmp_path, monkeypatch):
    full = OSError(28, "No space left on device")

    def keep(self, host, certificate, entry=None):
        raise full

    stage = Stage(tmp_path)
    stage.want(BLOG)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "keep", keep)
        async with stage.running():
            await stage.eventually(lambda: BLOG in stage.served and stage.served[BLOG].directory == DIRECTORY)
            await stage.settled()
    assert [event.reason for event in stage.told(events.StorageUnwritable)] == ["No space left on device"]
    async with stage.running():
        await stage.eventually_stored(BLOG, lambda stored: stored.certificate is not None)
    assert stage.ca.ordered == [BLOG]


@pytest.mark.parametrize("imported", [False, True])
async def test_what_is_read_again_replaces_no_newer_certificate_that_is_not_saved_yet(
    tmp_path, monkeypatch, imported
):
    clock = Clock()
    stage = await certified(tmp_path, BLOG, clock=clock)
    first = stage.served[BLOG]
    write = Store.keep

    def keep(self, host, certificate, entry=None):
        raise OSError(28, "No space left on device")

    stage = Stage(tmp_path, stage.ca, clock)
    stage.want(BLOG)
    monkeypatch.setattr(Store, "keep", keep)
    async with stage.running():
        await stage.eventually(lambda: BLOG in stage.served)
        stage.advance(days=80)
        await stage.eventually(lambda: stage.served[BLOG] != first)
        renewed = stage.served[BLOG]
        if imported:
            other = await asyncio.to_thread(certificate, BLOG, not_before=clock())
            await asyncio.to_thread(write, Store(tmp_path), BLOG, other)
        published = []
        stage.manager._holdings._publish_to = lambda served, _: published.append(served[BLOG].serial)
        assert await stage.manager.reload([BLOG]) == [BLOG]
        await stage.settled()
        wanted = other if imported else renewed
        assert set(published) <= {renewed.serial, wanted.serial}
        assert stage.manager._hosts[BLOG].held.serial == wanted.serial
        monkeypatch.undo()
        stage.advance(minutes=2)
        await stage.eventually_stored(
            BLOG, lambda stored: stored.certificate and stored.certificate.serial == wanted.serial
        )


async def test_a_broken_certificate_is_told_put_aside_and_ordered_anew(tmp_path):
    stage = await certified(tmp_path, BLOG, SHOP)
    (tmp_path / "certs" / BLOG / "gen-0001" / "key.pem").write_bytes(b"")
    again = Stage(tmp_path, stage.ca, stage.clock)
    again.want(BLOG, SHOP)
    async with again.running():
        await again.eventually(lambda: all(status.state == "active" for status in again.manager.status()))
    assert [event.host for event in again.told(events.Quarantined)] == [BLOG]
    assert sorted(stage.ca.ordered) == [BLOG, BLOG, SHOP]


async def test_a_clock_that_starts_in_1970_orders_nothing_until_it_is_right(tmp_path):
    stage = Stage(tmp_path, clock=Clock(datetime(1970, 1, 1, tzinfo=UTC)))
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: BLOG in stage.served)
        await stage.settled()
        assert stage.ca.opened == 0
        assert len(stage.told(events.ClockWrong)) == 1
        assert "clock" in stage.status(BLOG).last_error
        stage.clock.now = NOON
        stage.manager.want([BLOG])
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
    assert stage.status(BLOG).not_after > NOON


async def test_a_hundred_hosts_are_done_four_at_a_time(tmp_path):
    stage = Stage(tmp_path)
    under_way, most = set(), 0
    new_order, download = stage.ca.new_order, stage.ca.download

    def count(host, replaces=""):
        nonlocal most
        under_way.add(host)
        most = max(most, len(under_way))
        return new_order(host, replaces)

    def uncount(url):
        under_way.discard(stage.ca.orders[url].host)
        return download(url)

    stage.ca.new_order, stage.ca.download = count, uncount
    stage.want(*(f"h{number}.example.com" for number in range(100)))
    async with stage.running():
        await stage.eventually(lambda: all(s.state == "active" for s in stage.manager.status()))
    assert 1 < most <= manager_module.AT_ONCE
    assert len(stage.ca.ordered) == 100


async def test_the_cas_suggestion_is_followed_and_named_in_the_new_order(tmp_path):
    clock = Clock()
    start = NOON + timedelta(days=5)
    window = {"suggestedWindow": {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}}
    ca = FakeCA(clock, window=window)
    stage = Stage(tmp_path, ca, clock)
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: stage.status(BLOG).renew_at is not None)
        await stage.eventually(lambda: stage.status(BLOG).renew_at < start + timedelta(days=1))
        chosen = stage.status(BLOG).renew_at
        await stage.eventually_stored(BLOG, lambda stored: stored.renewal.chosen == chosen)
    stage = Stage(tmp_path, ca, clock)
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: stage.status(BLOG).renew_at == chosen)
        ca.window = None
        stage.clock.now = chosen
        stage.manager.want([BLOG])
        await stage.eventually(lambda: ca.issued == [BLOG, BLOG])
    assert len(ca.replaced) == 1


async def test_a_certificate_of_staging_is_served_until_production_has_given_one(tmp_path):
    staging = certificate(BLOG, directory="https://staging.example/directory")
    await asyncio.to_thread(Store(tmp_path).save, BLOG, staging)
    stage = Stage(tmp_path)
    stage.ca.outage = Failure("unreachable", "down")
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: stage.served.get(BLOG) == staging)
        await stage.eventually(lambda: stage.status(BLOG).next_try is not None)
        assert stage.status(BLOG).state == "waiting"
        stage.ca.outage = None
        stage.advance(minutes=2)
        await stage.eventually(lambda: stage.status(BLOG).state == "active")


async def test_a_fault_of_our_own_with_one_host_is_told_and_harms_no_other(tmp_path):
    stage = Stage(tmp_path)
    new_order = stage.ca.new_order

    def fault(host, replaces=""):
        if host == BLOG:
            raise ZeroDivisionError("a fault")
        return new_order(host, replaces)

    stage.ca.new_order = fault
    stage.want(BLOG, SHOP)
    async with stage.running():
        await stage.eventually(lambda: stage.status(SHOP).state == "active")
        await stage.eventually(lambda: stage.status(BLOG).state == "failed")
    assert "ZeroDivisionError" in stage.told(events.Bug)[0].traceback


async def test_stopping_is_at_once_even_while_the_ca_hangs(tmp_path):
    stage = Stage(tmp_path)
    release = []

    def hang(*_):
        release.append(1)
        time.sleep(5)
        raise Failure("unreachable", "late")

    stage.ca.new_order = hang
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: bool(release))
        began = time.monotonic()
    assert time.monotonic() - began < 3


WILDCARD = "*.example.com"


def stage_with_wildcards(data, **more):
    stage = Stage(data, authority=Authority(DIRECTORY, dns="a provider"), **more)
    stage.manager.http01.obstacle = lambda host: ""  # this CA believes it
    return stage


async def test_a_host_under_a_wildcard_is_neither_ordered_nor_served_by_itself(tmp_path):
    stage = stage_with_wildcards(tmp_path)
    stage.want(WILDCARD, BLOG, SHOP, "example.com", "a.b.example.com")
    async with stage.running():
        await stage.eventually(lambda: {status.state for status in stage.manager.status()} == {"active"})
        await stage.settled()
    assert sorted(stage.ca.issued) == [WILDCARD, "a.b.example.com", "example.com"]
    assert sorted(stage.served) == [WILDCARD, "a.b.example.com", "example.com"]
    assert stage.status(BLOG).not_after == stage.served[WILDCARD].not_after


async def test_a_certificate_of_before_serves_until_the_wildcard_has_one(tmp_path):
    await certified(tmp_path, BLOG)
    stage = stage_with_wildcards(tmp_path)
    stage.ca.refusals = {WILDCARD: "dns"}
    stage.want(WILDCARD, BLOG, SHOP)
    async with stage.running():
        await stage.eventually(lambda: stage.status(WILDCARD).state == "failed")
        assert (stage.served[BLOG].directory, stage.served[WILDCARD].directory) == (DIRECTORY, INTERNAL)
        assert SHOP not in stage.served
        stage.ca.refusals.clear()
        stage.advance(days=1)
        await stage.eventually(lambda: stage.status(WILDCARD).state == "active")
        assert list(stage.served) == [WILDCARD]
    assert stage.ca.issued == [WILDCARD]


async def test_a_wildcard_is_refused_with_the_setting_that_is_missing_and_covers_nobody(tmp_path):
    stage = Stage(tmp_path)
    stage.want(WILDCARD, BLOG)
    async with stage.running():
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
    assert "setting dns" in stage.status(WILDCARD).last_error
    assert stage.ca.issued == [BLOG]


class NoZone:
    """Stands for the DNS, in which somebody else's zone cannot be written to."""

    type = "dns-01"

    def obstacle(self, host):
        return ""

    @asynccontextmanager
    async def show(self, proof):
        raise Failure("dns", f"The provider has no zone {proof.host}.", wide=False)
        yield

    async def run(self):
        await asyncio.Event().wait()


@pytest.mark.parametrize("answered", [True, False])
async def test_a_host_of_a_zone_that_we_cannot_write_to_is_proven_the_other_way(tmp_path, answered):
    clock = Clock()
    ca, said = FakeCA(clock), []
    manager = Manager(
        tmp_path,
        Authority(DIRECTORY, dns="a provider"),
        lambda served, default: None,
        said.append,
        dns01=NoZone(),
        clock=clock,
        open_session=ca.open,
    )
    ca.fetch = manager.http01.answer if answered else lambda path: b"somebody else"
    manager.want([BLOG])
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(manager.run())
        async with asyncio.timeout(30):
            while not any(isinstance(event, events.Obtained | events.Failed) for event in said):
                await asyncio.sleep(0.005)
        task.cancel()
    [status] = manager.status()
    assert status.state == ("active" if answered else "failed")
    assert ("Somebody else" in status.last_error) is not answered
    assert ("Before that: The provider has no zone" in status.last_error) is not answered


async def test_what_the_owner_gives_is_served_and_ordered_for_only_once_it_has_run_out(tmp_path):
    own = certificate("*.example.com", life=timedelta(days=10), directory="own")
    stage = Stage(tmp_path)
    stage.manager.give([own])
    stage.want(BLOG)
    async with stage.running():
        await stage.settled()
        assert (stage.served[BLOG], stage.served["*.example.com"]) == (own, own)
        assert (stage.status(BLOG).state, stage.status(BLOG).names) == ("own", ("*.example.com",))
        assert stage.ca.ordered == []
        stage.advance(days=10)
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
        assert stage.served[BLOG].issuer == "Fake CA"
        assert "*.example.com" not in stage.served


async def test_taking_back_what_was_given_orders_again_and_of_two_the_longer_one_counts(tmp_path):
    short, long = (certificate(BLOG, life=timedelta(days=days), directory="own") for days in (5, 50))
    stage = Stage(tmp_path)
    stage.manager.give([long, short])
    stage.want(BLOG)
    async with stage.running():
        await stage.settled()
        assert stage.served[BLOG] == long
        stage.manager.give([])
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
    assert stage.ca.ordered == [BLOG]


async def test_an_order_of_a_host_that_stays_away_is_given_up_and_one_that_comes_back_gone_on_with(tmp_path):
    stage = Stage(tmp_path)
    stage.ca.slow = {BLOG, SHOP}
    stage.want(BLOG, SHOP)
    async with stage.running():
        await stage.eventually(lambda: len(stage.ca.answered) == 2)
        assert stage.manager.http01._answers
        stage.want()
        await stage.settled()
        stage.advance(seconds=30)
        stage.want(SHOP)  # it was only restarting
        await stage.settled()
        stage.advance(seconds=40)
        await stage.eventually(lambda: stage.told(events.Abandoned))
        await stage.eventually(lambda: stage.ca.deactivated)
        await stage.eventually_stored(BLOG, lambda stored: stored.order is None)
        assert stage.ca.deactivated == [BLOG]
        assert len(stage.manager.http01._answers) == 1
        stage.ca.slow = {SHOP}
        stage.want(BLOG, SHOP)
        await stage.eventually(lambda: stage.status(BLOG).state == "active")
    assert [event.host for event in stage.told(events.Abandoned)] == [BLOG]
    assert stage.told(events.Bug) == stage.told(events.Failed) == []
    assert stage.ca.ordered.count(BLOG) == 2


async def test_a_stop_while_an_order_is_given_up_is_at_once(tmp_path):
    stage = Stage(tmp_path)
    stage.ca.slow = {BLOG}
    stage.want(BLOG)
    async with stage.running():
        await stage.eventually(lambda: stage.ca.answered)
        stage.ca.outage = Failure("unreachable", "It is away.")
        stage.want()
        await stage.settled()
        began = time.monotonic()
        stage.advance(seconds=61)
        await asyncio.sleep(0)
    assert time.monotonic() - began < 2


async def test_an_accounts_orders_are_counted_and_one_too_many_is_not_made(tmp_path):
    authority = Authority(DIRECTORY, limits=Limits(per_domain=50, per_name=5, orders=2))
    hosts = [f"h{number}.example.com" for number in range(3)]
    stage = Stage(tmp_path, authority=authority)
    stage.want(*hosts[:2])
    async with stage.running():
        await stage.eventually(lambda: all(each.state == "active" for each in stage.manager.status()))
        stage.advance(hours=1)
        stage.want(*hosts)
        await stage.eventually(lambda: stage.told(events.AuthorityFailed))
        [paused] = stage.manager.authorities()
        assert "it took 2 orders" in paused.last_error
        assert timedelta(hours=1.9) < paused.next_try - stage.clock.now <= timedelta(hours=2)
        assert len(stage.ca.ordered) == 2
        stage.advance(hours=2, seconds=1)
        stage.want(*hosts)
        await stage.eventually(lambda: stage.status(hosts[2]).state == "active")
