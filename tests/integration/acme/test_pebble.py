"""Against a real CA, with its refused nonces and its delays."""

import asyncio
import json
import ssl
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder
from cryptography.x509.verification import Store as Trust

from acme_client import events
from acme_client.certificate import INTERNAL
from acme_client.manager import utc_now

pytestmark = pytest.mark.acme

BLOG, SHOP = "blog.example.com", "shop.example.com"


def verify(certificate, root_pem, host):
    """As a browser does."""
    trust = Trust([x509.load_pem_x509_certificate(root_pem.encode())])
    leaf, *others = x509.load_pem_x509_certificates(certificate.chain_pem)
    PolicyBuilder().store(trust).build_server_verifier(x509.DNSName(host)).verify(leaf, others)


async def test_hosts_get_certificates_although_every_third_nonce_is_refused(pebble, gate):
    ca = await asyncio.to_thread(pebble, nonce_rejects=30)
    tidegate = gate(ca)
    hosts = (BLOG, SHOP, "blog.test", "blog.localhost", "nas", "xn--bcher-kva.example.com")
    tidegate.want(*hosts[:-1], "bücher.example.com")
    async with tidegate.running():
        await tidegate.active(hosts, within=60)
    root = await asyncio.to_thread(ca.issuing_root)
    for host in hosts:
        verify(tidegate.served[host], root, host)
    assert tidegate.told(events.Failed) == []
    assert len({certificate.key_pem for certificate in tidegate.served.values()}) == len(hosts)


async def test_half_of_all_nonces_refused_are_not_noticed_either(pebble, gate):
    ca = await asyncio.to_thread(pebble, nonce_rejects=50, sleep=0)
    tidegate = gate(ca)
    tidegate.want(BLOG, SHOP)
    async with tidegate.running():
        await tidegate.active((BLOG, SHOP))
    assert tidegate.told(events.Failed) + tidegate.told(events.AuthorityFailed) == []


async def test_a_restart_orders_nothing_even_while_the_ca_is_away(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0)
    first = gate(ca)
    first.want(BLOG, "nas.lan")
    async with first.running():
        await first.active((BLOG, "nas.lan"))
    await asyncio.to_thread(ca.stop)
    second = gate(ca)
    second.want(BLOG, "nas.lan")
    async with second.running():
        await second.active((BLOG, "nas.lan"))
        await second.eventually(lambda: dict(second.served) == dict(first.served))
    assert second.told(events.Ordering) == []


async def test_a_short_lived_certificate_is_renewed_at_half_its_life(pebble, gate):
    ca = await asyncio.to_thread(pebble, validity=10, sleep=0, reuse=100)
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        first = tidegate.served[BLOG]
        await tidegate.eventually(lambda: tidegate.served[BLOG] != first, within=15)
        second = tidegate.served[BLOG]
    assert second.not_before < first.not_after
    assert second.not_after - second.not_before < timedelta(seconds=20)
    assert [event.renewed for event in tidegate.told(events.Obtained)][:2] == [False, True]


# 22
async def test_a_clock_that_is_a_year_ahead_costs_one_certificate_and_is_named(pebble, gate):
    """Whatever is got is due at once by such a clock, and would be replaced for ever."""
    ca = await asyncio.to_thread(pebble, sleep=0, reuse=100)
    tidegate = gate(ca, ahead=timedelta(days=365))
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        await asyncio.sleep(1)
        assert "clock is ahead" in tidegate.status(BLOG).last_error
    again = gate(ca, ahead=timedelta(days=365))
    again.want(BLOG)
    async with again.running():
        await again.active((BLOG,))
        await asyncio.sleep(0.5)
        again.ahead = timedelta()  # it was set
        again.want(BLOG)
        await again.eventually(lambda: not again.status(BLOG).last_error)
        assert again.status(BLOG).next_try is None
    assert ca.log.count("Issued certificate serial") == 1


async def test_a_host_that_somebody_else_answers_for_fails_with_the_cause_and_waits(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca)
    tidegate.answerer.answer = lambda path: b"a page of another server" if "acme-challenge" in path else None
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.Failed))
    status = tidegate.status(BLOG)
    assert status.state == "failed"
    assert "Somebody else answered" in status.last_error
    assert "key authorization" in status.last_error.lower()  # the CA's own words
    assert tidegate.served[BLOG].directory == INTERNAL
    again = gate(ca)
    again.want(BLOG)
    async with again.running():
        await again.eventually(lambda: again.status(BLOG).state == "failed")
        assert again.status(BLOG).next_try == status.next_try
        assert again.told(events.Ordering) == []


async def test_a_name_without_an_address_does_not_keep_its_neighbours_waiting(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0)
    await asyncio.to_thread(ca.send_name_to, SHOP)
    tidegate = gate(ca)
    tidegate.want(BLOG, SHOP)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        await tidegate.eventually(lambda: tidegate.status(SHOP).state == "failed")
    assert "resolve" in tidegate.status(SHOP).last_error  # the CA's own words


async def test_a_ca_that_is_down_at_the_start_is_asked_later(pebble, gate, monkeypatch):
    ca = await asyncio.to_thread(pebble, sleep=0)
    await asyncio.to_thread(ca.stop)
    monkeypatch.setattr("acme_client.ledger.AUTHORITY_STEPS", (timedelta(seconds=1),))
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.AuthorityFailed))
        assert tidegate.served[BLOG].directory == INTERNAL
        assert "cannot be reached" in tidegate.status(BLOG).last_error
        assert "refused" in tidegate.status(BLOG).last_error
        await asyncio.to_thread(ca.start)
        await tidegate.active((BLOG,))
    assert tidegate.status(BLOG).last_error == ""


async def test_an_account_that_the_ca_forgot_is_made_again_with_the_same_key(pebble, gate, tmp_path):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        key = [path.read_bytes() for path in await asyncio.to_thread(account_keys, tmp_path)]
        await asyncio.to_thread(ca.restart)
        tidegate.want(BLOG, SHOP)
        await tidegate.active((BLOG, SHOP))
    assert [path.read_bytes() for path in account_keys(tmp_path)] == key
    assert len(tidegate.told(events.AccountMade)) == 2
    assert tidegate.told(events.Failed) + tidegate.told(events.AuthorityFailed) == []


def account_keys(tmp_path):
    return list((tmp_path / "data" / "accounts").rglob("key.pem"))


async def test_a_ca_whose_endpoint_is_not_trusted_is_told_with_the_setting_that_helps(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca, bundle=None)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.AuthorityFailed))
    assert "acme-ca-bundle" in tidegate.status(BLOG).last_error


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "set the EAB key id"),
        (
            {"eab_kid": "kid-2", "eab_hmac": "bm90IHRoZSBrZXkgb2YgYW55Ym9keQ"},
            "key id or its HMAC key is wrong",
        ),
        (
            {"eab_kid": "kid-1", "eab_hmac": "bm90IHRoZSBrZXkgb2YgYW55Ym9keQ"},
            "key id or its HMAC key is wrong",
        ),
    ],
)
async def test_an_account_of_the_cas_web_site_is_needed_where_the_ca_says_so(pebble, gate, given, said):
    hmac = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    ca = await asyncio.to_thread(pebble, sleep=0, eab={"kid-1": hmac})
    without = gate(ca, **given)
    without.want(BLOG)
    async with without.running():
        await without.eventually(lambda: without.told(events.AuthorityFailed))
    assert said in without.status(BLOG).last_error
    assert without.status(BLOG).next_try - utc_now() > timedelta(hours=23)  # or when the settings change
    with_eab = gate(ca, eab_kid="kid-1", eab_hmac=hmac)
    with_eab.want(BLOG)
    async with with_eab.running():
        await with_eab.active((BLOG,))


async def test_the_cas_suggestion_when_to_renew_is_followed(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0)
    if "renewalInfo" not in await asyncio.to_thread(ca.directory):
        pytest.skip("this Pebble makes no suggestions (needs 2.6)")
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        host = tidegate.manager._hosts[BLOG]
        await tidegate.eventually(lambda: host.renewal.chosen is not None)
    assert host.renewal.start <= host.renewal.chosen <= host.renewal.end
    assert tidegate.status(BLOG).renew_at == host.renewal.chosen


def on_the_board(data):
    """How many instances of a storage have told the others that they live."""
    board = data / "certs" / ".board.json"
    try:
        return len(json.loads(board.read_text()))
    except (FileNotFoundError, ValueError):  # not yet, or being written
        return 0


async def test_two_instances_on_one_storage_get_one_certificate(pebble, gate, monkeypatch, tmp_path):
    monkeypatch.setattr("acme_client.manager.ELSEWHERE", timedelta(seconds=0.3))
    ca = await asyncio.to_thread(pebble, sleep=0, reuse=0)
    first, second = gate(ca), gate(ca)
    visits = 0

    def by_turns(path):
        """As a name with two addresses; the CA asks three times."""
        nonlocal visits
        visits += 1
        return (first, second)[visits % 2].manager.http01.answer(path)

    first.answerer.answer = by_turns
    async with first.running(), asyncio.TaskGroup() as tasks:
        other = tasks.create_task(second.manager.run())
        await first.eventually(lambda: on_the_board(tmp_path / "data") == 2)  # a visitor finds nobody earlier
        first.want(BLOG)
        second.want(BLOG)
        await first.active((BLOG,))
        await second.active((BLOG,))
        await second.eventually(lambda: second.served == first.served)
        other.cancel()
    assert len(first.told(events.Obtained) + second.told(events.Obtained)) == 1
    assert first.told(events.Failed) + second.told(events.Failed) == []
    assert visits > 1


LIFE = """
import asyncio, sys
from pathlib import Path
from acme_client.authority import Authority
from acme_client.manager import Manager
from tests.integration.acme.answerer import Answerer
data, directory, bundle, port = sys.argv[1:]
def say(event):
    print(type(event).__name__, flush=True)
def publish(served, default):
    if any(certificate.directory == directory for certificate in served.values()):
        print("Served", flush=True)
async def main():
    manager = Manager(Path(data), Authority(directory, bundle=Path(bundle)), publish, say)
    server = await asyncio.start_server(Answerer(manager.http01.answer), "127.0.0.1", int(port))
    manager.want(["blog.example.com"])
    async with server:
        await manager.run()
asyncio.run(main())
"""


def live(command, pause):
    """What one life says until it is killed: a while after it began to order, or once it serves."""
    said = []
    life = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        for line in life.stdout:
            said.append(line.strip())
            if said[-1] == "Ordering" and pause is not None:
                time.sleep(pause)  # not for timing: the next life dies later in the order
                return said
            if said[-1] == "Served":
                return said
        return said
    finally:
        life.kill()
        life.communicate()


def test_killed_in_the_middle_of_an_order_again_and_again_one_certificate_comes_of_it(pebble, tmp_path):
    ca = pebble(sleep=2, nonce_rejects=5)
    arguments = (tmp_path / "data", ca.directory_url, ca.ca_bundle, ca.http_port)
    command = (sys.executable, "-c", LIFE, *map(str, arguments))
    said = [word for pause in (0.1, 0.2, 0.4, 0.8, None) for word in live(command, pause)]
    assert said[-1] == "Served"
    assert "Failed" not in said
    current = tmp_path / "data" / "certs" / BLOG / "current"
    ssl.create_default_context().load_cert_chain(current / "fullchain.pem", current / "key.pem")
    assert ca.log.count("Issued certificate serial") == 1


def close_account(session):
    """As its owner may do on the CA's side (RFC 8555 7.3.6)."""
    session._post(session.account_url, {"status": "deactivated"})


async def test_an_account_that_was_closed_is_replaced_by_one_with_another_key(pebble, gate, tmp_path):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        opened = await tidegate.manager._sessions[ca.directory_url].get()
        await asyncio.to_thread(close_account, opened.session)
        tidegate.want(BLOG, SHOP)
        await tidegate.active((BLOG, SHOP))
    assert len(tidegate.told(events.AccountMade)) == 2
    assert [path.name for path in (tmp_path / "data" / "quarantine").glob("account-*-key.pem")]
