"""Against a second real CA, whose manners differ from the first one's: it judges while it is being told."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from acme_client import events
from acme_client.certificate import INTERNAL
from acme_client.failure import Failure
from acme_client.manager import utc_now
from acme_client.reading import leaf_der
from tests.caddy import Caddy
from tests.integration.acme.conftest import Gate
from tests.integration.acme.faulty import Cut, Faulty, Late, Reply
from tests.integration.acme.test_faults import failed, obtained
from tests.integration.acme.test_pebble import account_keys, verify
from tests.program import Program, eventually

pytestmark = pytest.mark.acme

BLOG, SHOP = "blog.example.com", "shop.example.com"
BASE = "/acme/second"
ORDER, FINALIZE, NEW_ORDER = f"{BASE}/order/", f"{BASE}/order/", f"{BASE}/new-order"


@pytest.fixture
def ca(caddy: Callable[..., Caddy]) -> Caddy:
    return caddy()


@pytest_asyncio.fixture
async def faulty(ca: Caddy) -> AsyncIterator[Faulty]:
    async with Faulty(ca) as made:
        yield made


def orders(faulty: Faulty) -> int:
    return faulty.count(NEW_ORDER)


async def test_hosts_get_certificates_and_a_restart_orders_nothing(
    ca: Caddy, gate: Callable[..., Gate]
) -> None:
    hosts = (BLOG, SHOP, "blog.test", "nas", "xn--bcher-kva.example.com")
    tidegate = gate(ca)
    await obtained(tidegate, *hosts)
    for host in hosts:
        verify(tidegate.served[host], ca.issuing_root(), host)
    assert tidegate.told(events.Failed) + tidegate.told(events.AuthorityFailed) == []
    await asyncio.to_thread(ca.stop)
    again = gate(ca)
    await obtained(again, *hosts)
    assert again.told(events.Ordering) == []


async def test_what_is_set_for_other_authorities_disturbs_none_that_has_no_such_thing(
    ca: Caddy, gate: Callable[..., Gate]
) -> None:
    tidegate = gate(ca, profile="short", preferred_chain="Nobody", eab_kid="kid-1", eab_hmac="bm9uZQ")
    await obtained(tidegate, BLOG)
    assert "'short'" in tidegate.told(events.Remarked)[0].remark
    assert tidegate.status(BLOG).last_error == ""


async def test_a_certificate_of_minutes_is_renewed_at_half_its_life(
    caddy: Callable[..., Caddy], gate: Callable[..., Gate]
) -> None:
    ca = await asyncio.to_thread(caddy, lifetime=5)
    first = gate(ca)
    await obtained(first, BLOG)
    held = first.served[BLOG]
    assert timedelta(minutes=4) < held.not_after - held.not_before < timedelta(minutes=8)
    half = first.status(BLOG).renew_at - utc_now()
    early = gate(ca, ahead=half - timedelta(seconds=20))
    await obtained(early, BLOG)
    assert early.told(events.Ordering) == []
    late = gate(ca, ahead=half + timedelta(seconds=1))
    late.want(BLOG)
    async with late.running():
        await late.eventually(lambda: late.told(events.Obtained))
    assert late.served[BLOG].key_pem != held.key_pem
    assert late.told(events.Obtained)[0].renewed


async def test_an_order_that_a_killed_run_left_is_gone_on_with_even_after_the_ca_started_again(
    ca: Caddy, faulty: Faulty, gate: Callable[..., Gate]
) -> None:
    faulty.on(FINALIZE, Reply(503, "<html>"), times=99)
    first = gate(faulty)
    first.want(BLOG)
    async with first.running():
        await first.eventually(lambda: faulty.count(ORDER))
    await asyncio.to_thread(ca.restart)
    faulty.heal()
    again = gate(faulty)
    await obtained(again, BLOG)
    assert orders(faulty) == 1
    assert [event.resumed for event in again.told(events.Ordering)] == [True]
    assert again.told(events.AccountMade) == []


@pytest.mark.parametrize(
    "lost", ["new-account", "new-order", "authz/", "challenge/", "order/", "certificate/"]
)
async def test_an_answer_that_gets_lost_is_not_noticed(
    faulty: Faulty, gate: Callable[..., Gate], lost: str
) -> None:
    faulty.on(f"{BASE}/{lost}", Cut())
    tidegate = gate(faulty)
    await obtained(tidegate, BLOG)
    assert faulty.count(f"{BASE}/{lost}") > 1
    assert tidegate.told(events.Failed) + tidegate.told(events.AuthorityFailed) == []


# 8
async def test_a_challenge_that_stays_pending_over_an_error_is_answered_again_and_then_fails_by_it(
    ca: Caddy, faulty: Faulty, gate: Callable[..., Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(ca.names.send_name_to, BLOG, "127.99.99.99")  # nobody listens there
    began = time.monotonic()
    status = await failed(gate(faulty), BLOG)
    assert time.monotonic() - began < 15
    assert faulty.count(f"{BASE}/challenge/") == 3
    assert "127.99.99.99" in status.last_error or "connect" in status.last_error
    assert status.state == "failed"


# 9
async def test_a_wrong_answer_fails_at_once_although_the_authorization_stays_pending(
    ca: Caddy, gate: Callable[..., Gate]
) -> None:
    tidegate = gate(ca)
    tidegate.answerer.answer = lambda path: b"a page of another server"
    began = time.monotonic()
    status = await failed(tidegate, BLOG)
    assert time.monotonic() - began < 10
    assert "Somebody else answered" in status.last_error
    assert tidegate.served[BLOG].directory == INTERNAL
    again = gate(ca)
    assert (await failed(again, BLOG)).next_try == status.next_try
    assert again.told(events.Ordering) == []


async def test_a_name_without_an_address_is_told_in_the_cas_words_and_hinders_no_other(
    ca: Caddy, gate: Callable[..., Gate]
) -> None:
    await asyncio.to_thread(ca.names.send_name_to, SHOP)
    tidegate = gate(ca)
    tidegate.want(BLOG, SHOP)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        await tidegate.eventually(lambda: tidegate.status(SHOP).last_error)
    assert SHOP in tidegate.status(SHOP).last_error


async def test_an_account_that_the_ca_forgot_is_made_again_with_the_same_key(
    ca: Caddy, gate: Callable[..., Gate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older Caddy does not say that it does not know an account, but fails, and is asked again."""
    monkeypatch.setattr("acme_client.ledger.AUTHORITY_STEPS", (timedelta(seconds=1),))
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        keys = [path.read_bytes() for path in account_keys(tmp_path)]
        await asyncio.to_thread(ca.forget)
        tidegate.want(BLOG, SHOP)
        await tidegate.active((BLOG, SHOP))
    assert [path.read_bytes() for path in account_keys(tmp_path)] == keys
    assert len(tidegate.told(events.AccountMade)) == 2
    assert tidegate.told(events.Failed) == []


async def test_a_ca_that_is_down_at_the_start_is_asked_later(
    ca: Caddy, gate: Callable[..., Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acme_client.ledger.AUTHORITY_STEPS", (timedelta(seconds=1),))
    await asyncio.to_thread(ca.stop)
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.AuthorityFailed))
        assert "cannot be reached" in tidegate.status(BLOG).last_error
        await asyncio.to_thread(ca.start)
        await tidegate.active((BLOG,))
    assert tidegate.status(BLOG).last_error == ""


# 39
async def test_a_stop_in_the_middle_of_an_order_is_at_once_and_loses_nothing(
    faulty: Faulty, gate: Callable[..., Gate]
) -> None:
    faulty.on(ORDER, Late(8.0))
    tidegate = gate(faulty)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: faulty.count(ORDER))
        began = time.monotonic()
    assert time.monotonic() - began < 6
    again = gate(faulty)
    await obtained(again, BLOG)
    assert orders(faulty) == 1
    assert [event.resumed for event in again.told(events.Ordering)] == [True]


async def test_a_revoked_certificate_is_replaced(ca: Caddy, gate: Callable[..., Gate]) -> None:
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        first = tidegate.served[BLOG]
        await tidegate.manager.commands.revoke(BLOG, "superseded")
        await tidegate.eventually(lambda: tidegate.served[BLOG] != first)
        session = (await tidegate.manager._sessions[ca.directory_url].get()).session
        request = {"certificate": _base64url(leaf_der(first.chain_pem)), "reason": 4}
        with pytest.raises(Failure) as refused:
            await asyncio.to_thread(session._post, ca.directory()["revokeCert"], request)
    assert refused.value.problem == "alreadyRevoked"
    assert [event.serial for event in tidegate.told(events.Revoked)] == [f"{first.serial:x}"]


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


async def test_a_ca_that_changes_no_keys_says_so_and_no_key_is_lost(
    ca: Caddy, gate: Callable[..., Gate], tmp_path: Path
) -> None:
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        keys = [path.read_bytes() for path in account_keys(tmp_path)]
        with pytest.raises(Failure, match="gives an account no other key"):
            await tidegate.manager.commands.change_keys()
        tidegate.want(BLOG, SHOP)
        await tidegate.active((BLOG, SHOP))
    assert [path.read_bytes() for path in account_keys(tmp_path)] == keys
    assert len(tidegate.told(events.AccountMade)) == 1
    assert not list((tmp_path / "data").rglob("key-next.pem"))


ROUTES = """\
http:
  routers: {site: {rule: "Host(`blog.test`) || Host(`shop.test`)", service: site}}
  services: {site: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""


@pytest.mark.slow
@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_the_program_is_certified_by_either_challenge_alone(
    ca: Caddy, tmp_path: Path, challenge: str
) -> None:
    (tmp_path / "routes.yaml").write_text(ROUTES)
    acme = (
        "--acme-ca",
        ca.directory_url,
        "--acme-ca-bundle",
        str(ca.ca_bundle),
        "--acme-challenges",
        challenge,
    )
    routes = ("--docker", "off", "--routes", str(tmp_path / "routes.yaml"))
    listen = ("--web", f"{ca.address}:80", "--websecure", f"{ca.address}:443")
    with Program(tmp_path / "data", *routes, *acme, *listen) as program:
        eventually(
            lambda: [row["state"] for row in program.api("certificates")] == ["active", "active"], within=30
        )
        trust = ssl.create_default_context(cadata=ca.issuing_root())
        with (
            socket.create_connection((ca.address, 443), 10) as plain,
            trust.wrap_socket(plain, server_hostname="blog.test") as tls,
        ):
            assert tls.version()
        assert "No certificate for" not in program.log
