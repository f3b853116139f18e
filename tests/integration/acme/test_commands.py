"""What a person may ask for by hand, at a real CA."""

import asyncio
import json

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from acme_client import events
from acme_client.accounts import Account, open_session, settle_keys
from acme_client.authority import Authority
from acme_client.ca import CA
from acme_client.commands import Unknown
from acme_client.failure import Failure
from acme_client.keys import new_key
from acme_client.manager import utc_now
from acme_client.store import Store

pytestmark = pytest.mark.acme

BLOG, SHOP = "blog.example.com", "shop.example.com"


async def test_a_certificate_is_renewed_when_its_owner_asks(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        first = tidegate.served[BLOG]
        tidegate.manager.commands.renew(BLOG)
        await tidegate.eventually(lambda: tidegate.served[BLOG] != first)
        await asyncio.sleep(0.5)  # not again and again
        with pytest.raises(Unknown, match=r"other\.example\.com"):
            tidegate.manager.commands.renew("other.example.com")
    assert len(tidegate.told(events.Obtained)) == 2


async def test_a_revoked_certificate_is_replaced_by_one_with_another_key(pebble, gate):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        first = tidegate.served[BLOG]
        await tidegate.manager.commands.revoke(BLOG, "keyCompromise")
        await tidegate.eventually(lambda: tidegate.served[BLOG] != first)
        with pytest.raises(Unknown, match="no reason"):
            await tidegate.manager.commands.revoke(BLOG, "because")
    status = await asyncio.to_thread(ca.certificate_status, first.serial)
    assert (status["Status"], status["Reason"]) == ("Revoked", 1)
    assert tidegate.served[BLOG].key_pem != first.key_pem


async def test_an_account_gets_another_key_and_goes_on_with_it_also_after_a_restart(pebble, gate, tmp_path):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca)
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        [path] = (tmp_path / "data" / "accounts").rglob("key.pem")
        before = path.read_bytes()
        [account] = await tidegate.manager.commands.change_keys()
        assert path.read_bytes() != before
        tidegate.want(BLOG, SHOP)
        await tidegate.active((BLOG, SHOP))
    again = gate(ca)
    again.want(BLOG, SHOP, "third.example.com")
    async with again.running():
        await again.active(("third.example.com",))
    assert json.loads(path.with_name("account.json").read_text())["url"] == account
    assert not path.with_name("key-next.pem").exists()
    assert len(tidegate.told(events.AccountMade) + again.told(events.AccountMade)) == 1


@pytest.mark.parametrize("told", [False, True])
def test_a_change_of_keys_that_was_interrupted_loses_no_account(pebble, tmp_path, told):
    """Killed before the CA was told of the new key, or before it was written down that it had been."""
    ca = pebble(sleep=0)
    store, authority = Store(tmp_path / "data"), Authority(ca.directory_url, bundle=ca.ca_bundle)
    opened = open_session(store, authority, utc_now)
    key = new_key()
    store.save_next_key(authority, key)
    if told:
        opened.session.change_key(key)
    again = open_session(store, authority, utc_now)
    assert again.account == opened.account
    again.session.new_order(BLOG)
    kept = store.load_account(authority)
    assert isinstance(kept, Account)
    assert (kept.key_pem == key) is told
    assert store.load_next_key(authority) is None
    load_pem_private_key(kept.key_pem, None)
    settle_keys(store, authority, utc_now)  # nothing to settle


async def test_a_change_of_keys_whose_answer_got_lost_is_followed_by_another(
    pebble, gate, tmp_path, monkeypatch
):
    ca = await asyncio.to_thread(pebble, sleep=0)
    tidegate = gate(ca)
    tidegate.want(BLOG)
    change = CA.change_key

    def lose(session, key_pem):
        signer = session._signer
        change(session, key_pem)
        session._signer = signer
        raise Failure("unreachable", "The answer got lost.")

    async with tidegate.running():
        await tidegate.active((BLOG,))
        with monkeypatch.context() as patch:
            patch.setattr(CA, "change_key", lose)
            with pytest.raises(Failure, match="got lost"):
                await tidegate.manager.commands.change_keys()
        [account] = await tidegate.manager.commands.change_keys()
        tidegate.want(BLOG, SHOP)
        await tidegate.active((BLOG, SHOP))
    [path] = (tmp_path / "data" / "accounts").rglob("account.json")
    assert json.loads(path.read_text())["url"] == account
    assert not path.with_name("key-next.pem").exists()
    assert len(tidegate.told(events.AccountMade)) == 1


def test_an_account_of_which_only_the_key_is_left_is_found_again(pebble, tmp_path):
    ca = pebble(sleep=0)
    store, authority = Store(tmp_path / "data"), Authority(ca.directory_url, bundle=ca.ca_bundle)
    opened = open_session(store, authority, utc_now)
    [path] = (tmp_path / "data").rglob("account.json")
    path.unlink()
    assert open_session(store, authority, utc_now).account == opened.account
