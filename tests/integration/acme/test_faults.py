"""What goes wrong between Tidegate and a real CA, with a bad wire between them: docs/certificates.md."""

import asyncio
import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import pytest_asyncio

from acme_client import events
from acme_client.certificate import INTERNAL
from acme_client.manager import utc_now
from tests.integration.acme.faulty import Cut, Faulty, Late, Reply, problem

pytestmark = pytest.mark.acme

BLOG, SHOP = "blog.example.com", "shop.example.com"
NEW_ORDER, ORDER, AUTHORIZATION, CHALLENGE = "/order-plz", "/my-order/", "/authZ/", "/chalZ/"
FINALIZE, CERTIFICATE, NEW_ACCOUNT = "/finalize-order/", "/certZ/", "/sign-me-up"


@pytest_asyncio.fixture
async def faulty(pebble):
    ca = await asyncio.to_thread(pebble, sleep=0, reuse=0, nonce_rejects=15)
    async with Faulty(ca) as made:
        yield made


@pytest.fixture
def ca(faulty):
    return faulty._ca


async def obtained(tidegate, *hosts):
    tidegate.want(*hosts)
    async with tidegate.running():
        await tidegate.active(hosts)


async def failed(tidegate, host):
    tidegate.want(host)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.status(host).last_error)
        await asyncio.sleep(0.3)
        return tidegate.status(host)


def issued(ca):
    return ca.log.count("Issued certificate serial")


# 2
async def test_a_page_of_a_load_balancer_is_waited_for_as_long_as_it_says(faulty, gate):
    faulty.on(NEW_ORDER, Reply(503, "<html>busy</html>", {"Retry-After": "6"}))
    tidegate = gate(faulty)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.AuthorityFailed))
        wait = tidegate.status(BLOG).next_try - utc_now()
        assert timedelta(seconds=4) < wait <= timedelta(seconds=6)
        asked = faulty.count(NEW_ORDER)
        tidegate.want(BLOG, SHOP)
        await asyncio.sleep(0.7)
        assert faulty.count(NEW_ORDER) == asked
        await tidegate.active((BLOG, SHOP))


# 3
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_limit_is_waited_for_exactly_also_after_a_restart_and_in_any_time_zone(
    faulty, gate, monkeypatch, zone, form
):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)  # noqa: TID251 - a real answer's
        after = "3600" if form == "seconds" else format_datetime(until, usegmt=True)
        limited = problem("rateLimited", "too many certificates", 429, Retry_After=after)
        faulty.on(NEW_ORDER, limited, times=9)
        status = await failed(gate(faulty), BLOG)
        assert abs(status.next_try - until) < timedelta(seconds=5)
        assert "too many certificates" in status.last_error
        asked = faulty.count(NEW_ORDER)
        again = await failed(gate(faulty), BLOG)
        assert (again.next_try, faulty.count(NEW_ORDER)) == (status.next_try, asked)
    finally:
        monkeypatch.undo()
        time.tzset()


# 5
@pytest.mark.parametrize(
    "lost", [NEW_ACCOUNT, NEW_ORDER, AUTHORIZATION, CHALLENGE, FINALIZE, ORDER, CERTIFICATE]
)
async def test_an_answer_that_gets_lost_costs_no_second_certificate(faulty, ca, gate, lost):
    faulty.on(lost, Cut())
    tidegate = gate(faulty)
    await obtained(tidegate, BLOG)
    assert issued(ca) == 1
    assert tidegate.told(events.Failed) + tidegate.told(events.AuthorityFailed) == []


# 10
async def test_a_proof_that_the_ca_calls_invalid_and_says_not_why_has_failed(faulty, ca, gate):
    faulty.on(AUTHORIZATION, Reply(200, json.dumps({"status": "invalid", "challenges": []})), times=99)
    status = await failed(gate(faulty), BLOG)
    assert status.state == "failed"
    assert "did not say why" in status.last_error
    assert faulty.count(FINALIZE) == issued(ca) == 0


# 11, 12
async def test_a_proof_that_the_ca_remembers_is_not_asked_for_again(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0, reuse=100)
    async with Faulty(ca) as faulty:
        tidegate = gate(faulty)
        tidegate.want(BLOG)
        async with tidegate.running():
            await tidegate.active((BLOG,))
            challenges = faulty.count(CHALLENGE)
            tidegate.manager.commands.renew(BLOG)
            await tidegate.eventually(lambda: len(tidegate.told(events.Obtained)) == 2)
        assert faulty.count(CHALLENGE) == challenges


# 12
async def test_a_ca_that_takes_its_time_is_waited_for(faulty, ca, gate):
    for path in (FINALIZE, ORDER, CERTIFICATE):
        faulty.on(path, Late(1.0))
    await obtained(gate(faulty), BLOG)
    assert issued(ca) == 1


# 15, 16
async def test_new_terms_are_told_with_their_address_and_not_asked_about_again_and_again(faulty, gate):
    document = {
        "type": "urn:ietf:params:acme:error:userActionRequired",
        "detail": "new terms",
        "instance": "https://ca.example/terms/2027",
    }
    faulty.on(NEW_ORDER, Reply(403, json.dumps(document)), times=9)
    status = await failed(gate(faulty), BLOG)
    assert "https://ca.example/terms/2027" in status.last_error
    assert status.next_try - utc_now() > timedelta(hours=23)


# 18
async def test_a_certificate_that_the_ca_wants_replaced_is_replaced_at_once_with_another_key(
    faulty, ca, gate, monkeypatch
):
    await suggests(ca)
    monkeypatch.setattr("acme_client.ari.SOONEST", timedelta(seconds=0.1))
    tidegate = gate(faulty)
    await obtained(tidegate, BLOG)
    first = tidegate.served[BLOG]
    long_ago, before = utc_now() - timedelta(days=2), utc_now() - timedelta(days=1)
    window = {"suggestedWindow": {"start": long_ago.isoformat(), "end": before.isoformat()}}
    await asyncio.to_thread(ca.set_renewal_info, first.chain_pem, json.dumps(window))
    again = gate(faulty)
    for path in (ca.ca_bundle.parents[1] / "data" / "certs").rglob("renewal.json"):
        path.unlink()  # or it would be asked in some hours
    again.want(BLOG)
    async with again.running():
        await again.eventually(lambda: again.told(events.Obtained))
        assert again.served[BLOG].key_pem != first.key_pem
        await asyncio.sleep(0.5)
    assert len(again.told(events.Obtained)) == 1


async def suggests(ca):
    if "renewalInfo" not in await asyncio.to_thread(ca.directory):
        pytest.skip("this Pebble makes no suggestions (needs 2.8)")


# 19
@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, '{"suggestedWindow": {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}}'),
        Reply(200, '{"suggestedWindow": {"start": "2026-01-02T00:00:00Z", "end": "2026-01-02T00:00:00Z"}}'),
        Reply(200, ""),
        Reply(200, "{}"),
        Reply(200, "[1]"),
        Reply(200, '{"suggestedWindow": {"start": 0, "end": []}}'),
        Reply(404, ""),
        Reply(500, "<html>"),
        problem("serverInternal", "no", 500),
    ],
)
async def test_nonsense_about_renewing_never_makes_a_loop(faulty, ca, gate, answer):
    await suggests(ca)
    renewal = (await asyncio.to_thread(ca.directory))["renewalInfo"].partition("//")[2].partition("/")[2]
    faulty.on(f"/{renewal}", answer, times=99)
    tidegate = gate(faulty)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        await tidegate.eventually(lambda: faulty.count(f"/{renewal}"))
        await asyncio.sleep(0.7)
    assert (issued(ca), faulty.count(f"/{renewal}")) == (1, 1)
    assert tidegate.status(BLOG).renew_at - utc_now() > timedelta(days=50)


# 20
@pytest.mark.parametrize("kind", ["alreadyReplaced", "malformed"])
async def test_a_replacement_that_is_refused_is_ordered_without_being_one(faulty, ca, gate, kind):
    await suggests(ca)
    tidegate = gate(faulty)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        await tidegate.eventually(lambda: tidegate.manager._hosts[BLOG].renewal.chosen)
        faulty.on(NEW_ORDER, problem(kind, "it was replaced already", 409))
        tidegate.manager.commands.renew(BLOG)
        await tidegate.eventually(lambda: len(tidegate.told(events.Obtained)) == 2)
    assert tidegate.told(events.Failed) == []


# 29
async def test_an_ipv6_address_to_nowhere_is_named_with_the_cause(faulty, ca, gate):
    await asyncio.to_thread(ca.send_name_to, BLOG, "::1")
    status = await failed(gate(faulty), BLOG)
    assert "::1" in status.last_error
    assert "port 80" in status.last_error


# 30
@pytest.mark.parametrize("kind", ["caa", "rejectedIdentifier"])
async def test_what_no_retry_can_change_waits_a_day_and_serves_meanwhile(faulty, gate, kind):
    faulty.on(NEW_ORDER, problem(kind, "not by us"), times=9)
    tidegate = gate(faulty)
    status = await failed(tidegate, BLOG)
    assert "not by us" in status.last_error
    assert status.next_try - utc_now() > timedelta(hours=23)
    assert faulty.count(NEW_ORDER) == 1
    assert tidegate.served[BLOG].directory == INTERNAL


# 23
@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a full disk needs the right to mount one")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_nothing_is_ordered_on_a_full_disk_until_there_is_room(
    faulty, ca, gate, small_disk, monkeypatch
):
    monkeypatch.setattr("acme_client.manager.UNWRITABLE", timedelta(seconds=0.3))
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        fill(ballast)
    tidegate = gate(faulty, data="small")
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.StorageUnwritable))
        await asyncio.sleep(1)
        assert faulty.asked == []
        assert "No space left" in tidegate.status(BLOG).last_error
        assert tidegate.served[BLOG].directory == INTERNAL
        ballast.unlink()
        await tidegate.active((BLOG,))
    assert issued(ca) == 1
    assert len(tidegate.told(events.StorageUnwritable)) == 1


def fill(path):
    with path.open("wb") as file:
        while True:
            file.write(b"\0" * 4096)
            file.flush()


# 35
async def test_an_order_of_a_host_that_goes_meanwhile_ends_well_and_is_not_made_again(faulty, ca, gate):
    faulty.on(FINALIZE, Late(1.0))
    tidegate = gate(faulty)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: faulty.count(CHALLENGE))
        tidegate.want()
        await tidegate.eventually(lambda: tidegate.told(events.Obtained))
        tidegate.want(BLOG)
        await tidegate.active((BLOG,))
    assert issued(ca) == 1


# 35
async def test_an_order_of_a_host_that_stays_away_is_given_up_and_its_authorization_deactivated(
    faulty, ca, gate, monkeypatch
):
    monkeypatch.setattr("acme_client.abandonment.ABANDON", timedelta(seconds=0.5))
    pending = {"type": "http-01", "url": "https://ca/1", "status": "pending", "token": "token"}
    faulty.on(CHALLENGE, Reply(200, json.dumps(pending)), times=50)  # the CA never hears that it may look
    tidegate = gate(faulty)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: faulty.count(CHALLENGE))
        stored = await asyncio.to_thread(tidegate.manager._store.load, BLOG)
        tidegate.want()
        await tidegate.eventually(lambda: tidegate.told(events.Abandoned))
        session = (await tidegate.manager._sessions[faulty.directory_url].get()).session

        def statuses():
            order = session.order(stored.order.url)
            return [session.authorization(url).status for url in order.authorizations]

        async with asyncio.timeout(10):
            while await asyncio.to_thread(statuses) != ["deactivated"]:
                await asyncio.sleep(0.05)
        assert tidegate.manager.http01._answers == {}
        faulty.heal()
        tidegate.want(BLOG)
        await tidegate.active((BLOG,))
    assert issued(ca) == 1
    assert tidegate.told(events.Failed) == tidegate.told(events.Bug) == []


# 34
async def test_an_hour_of_a_container_and_of_tidegate_in_restart_loops_costs_the_ca_five_orders_at_most(
    faulty, ca, gate
):
    """The host fails whenever it is tried: its app answers the CA itself, until it falls over again."""
    orders, ahead = [], timedelta()
    for _ in range(6):
        tidegate = gate(faulty, ahead=ahead)
        tidegate.answerer.answer = lambda path: b"an app"
        async with tidegate.running():
            for _ in range(10):
                tidegate.want(BLOG)
                await asyncio.sleep(0.02)
                await tidegate.eventually(
                    lambda t=tidegate: not any(h.busy for h in t.manager._hosts.values())
                )
                tidegate.want()
                await asyncio.sleep(0.02)
                tidegate.ahead = ahead = ahead + timedelta(minutes=1)
        orders.append(faulty.count(NEW_ORDER))
    assert ahead == timedelta(hours=1)
    assert 2 <= orders[-1] <= 5, orders
    assert issued(ca) == 0


# 39
async def test_a_stop_in_the_middle_of_an_order_is_at_once_and_loses_nothing(faulty, ca, gate):
    faulty.on(FINALIZE, Late(8.0))
    tidegate = gate(faulty)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: faulty.count(FINALIZE))
        began = time.monotonic()
    assert time.monotonic() - began < 6
    again = gate(faulty)
    await obtained(again, BLOG)
    assert issued(ca) == 1
    assert [event.resumed for event in again.told(events.Ordering)] == [True]
