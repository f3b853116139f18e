import asyncio
import subprocess
import sys

import pytest

from acme_client import keys
from acme_client.accounts import LOST, UNSAID, change_key, open_session
from acme_client.authority import Authorities, Authority
from acme_client.commands import Commands
from acme_client.failure import Failure
from acme_client.store import Account, Store
from acme_client.workshop import Workshop
from tests.acme_client.fake_ca import Clock
from tests.acme_client.test_ca import KEY
from tests.acme_client.test_wire import endpoint


def test_the_acme_library_is_loaded_only_when_a_certificate_has_to_be_asked_for():
    program = (
        "import sys, acme_client.manager; print(sorted({'acme', 'josepy', 'requests'} & set(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout == "[]\n"


def test_a_known_account_is_used_without_asking(tmp_path):
    with endpoint() as url:
        store, authority = Store(tmp_path), Authority(url)
        store.save_account(authority, Account(KEY, "https://ca.example/account/1"))
        opened = open_session(store, authority, Clock())
    assert (opened.account, opened.made) == ("https://ca.example/account/1", None)


@pytest.mark.parametrize("key", [b"", b"-----BEGIN PRIVATE KEY-----"])
def test_an_account_key_that_cannot_be_used_is_made_anew_before_anything_is_asked(tmp_path, key):
    with endpoint() as url:
        store, authority = Store(tmp_path), Authority(url)
        store.save_account(authority, Account(key, "https://ca.example/account/1"))
        with pytest.raises(Exception, match="newAccount"):
            open_session(store, authority, Clock())
        account = store.load_account(authority)
    assert account is not None
    assert account.key_pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert account.url == ""


def test_an_account_that_may_be_unknown_is_looked_for_by_its_key_and_no_other_is_told_of(one_account):
    """Of a CA that failed and did not say by what."""
    store, authority, ca = one_account
    opened = open_session(store, authority, Clock(), UNSAID)
    assert (opened.account, opened.made) == (ca.url, None)
    store.save_account(authority, Account(ca.known, "https://ca.example/account/0"))
    opened = open_session(store, authority, Clock(), UNSAID)
    assert (opened.account, opened.made) == (ca.url, LOST)


def test_a_broken_account_key_is_put_aside_and_not_thrown_away(tmp_path):
    with endpoint() as url:
        store, authority = Store(tmp_path), Authority(url)
        store.save_account(authority, Account(b"half a key", "https://ca.example/account/1"))
        with pytest.raises(Exception, match="newAccount"):
            open_session(store, authority, Clock())
    aside = [path.read_bytes() for path in (tmp_path / "quarantine").glob("account-*-key.pem")]
    assert aside == [b"half a key"]


class OneAccount:
    """A CA with one account; `lose` of its answers to a change of keys get lost on their way."""

    url = "https://ca.example/account/1"

    def __init__(self, key_pem, lose=0):
        self.known, self.lose, self.taken, self.closed = key_pem, lose, 0, False

    def session(self, _authority, key_pem, _account_url, _clock):
        return KeyedSession(self, key_pem)


class KeyedSession:
    def __init__(self, ca, key_pem):
        self.ca, self.key_pem = ca, key_pem

    def find(self):
        if self.ca.closed:
            raise Failure("authority", "The account is deactivated.", problem="accountDeactivated")
        return self.ca.url if self.key_pem == self.ca.known else ""

    def register(self):
        if self.ca.closed:
            self.ca.closed = False
            raise Failure("authority", "The account is deactivated.", problem="accountDeactivated")
        self.ca.known = self.key_pem
        return self.ca.url

    def change_key(self, key_pem):
        if self.key_pem != self.ca.known:
            raise Failure("authority", "JWS verification error", problem="malformed", status=400)
        self.ca.known = key_pem
        self.ca.taken += 1
        if self.ca.lose:
            self.ca.lose -= 1
            raise Failure("unreachable", "The answer got lost.")
        self.key_pem = key_pem


@pytest.fixture
def one_account(tmp_path, monkeypatch):
    store, authority, ca = Store(tmp_path), Authority("https://ca.example/dir"), OneAccount(keys.new_key())
    store.save_account(authority, Account(ca.known, ca.url))
    monkeypatch.setattr("acme_client.ca.CA", ca.session)
    return store, authority, ca


def commanded(tmp_path, authority):
    shop = Workshop.at(tmp_path, Authorities.of(authority), [].append, Clock(), open_session)
    return shop.sessions[authority.directory], Commands(shop, {}, lambda: None)


def test_a_change_of_keys_whose_answer_got_lost_is_settled_before_another_one(one_account):
    store, authority, ca = one_account
    ca.lose = 1
    opened = open_session(store, authority, Clock())
    with pytest.raises(Failure, match="got lost"):
        change_key(store, authority, opened, Clock())
    assert store.load_next_key(authority) == ca.known
    change_key(store, authority, opened, Clock())  # by a session that the CA refuses by now
    assert store.load_account(authority) == Account(ca.known, ca.url)
    assert store.load_next_key(authority) is None
    assert ca.taken == 1


def test_a_next_key_that_the_ca_was_never_told_of_makes_room_for_another(one_account):
    store, authority, ca = one_account
    never_told = keys.new_key()
    store.save_next_key(authority, never_told)
    change_key(store, authority, open_session(store, authority, Clock()), Clock())
    assert store.load_account(authority) == Account(ca.known, ca.url)
    assert ca.taken == 1
    assert ca.known != never_told


def in_quarantine(tmp_path):
    return sorted(path.read_bytes() for path in (tmp_path / "quarantine").glob("account-*.pem"))


def test_of_two_keys_of_which_the_ca_knows_neither_none_is_thrown_away(one_account, tmp_path):
    """Its answer may come of a database that is behind."""
    store, authority, ca = one_account
    old, new = ca.known, keys.new_key()
    store.save_next_key(authority, new)
    ca.known = b""
    open_session(store, authority, Clock())
    assert store.load_account(authority) == Account(old, ca.url)
    assert store.load_next_key(authority) is None
    assert in_quarantine(tmp_path) == [new]


def test_a_next_key_that_cannot_be_read_is_put_aside_and_hinders_nothing(one_account, tmp_path):
    store, authority, ca = one_account
    store.save_next_key(authority, b"half a key")
    ca.known = b""
    open_session(store, authority, Clock())
    assert in_quarantine(tmp_path) == [b"half a key"]


def test_a_change_of_keys_of_an_account_that_was_closed_meanwhile_ends_in_a_new_account(
    one_account, tmp_path
):
    store, authority, ca = one_account
    new = keys.new_key()
    store.save_next_key(authority, new)
    ca.closed = True
    store.save_account(authority, Account(ca.known))  # its address was not written any more
    with pytest.raises(Failure, match="deactivated"):
        open_session(store, authority, Clock())
    assert in_quarantine(tmp_path) == sorted([ca.known, new])
    opened = open_session(store, authority, Clock())
    assert opened.session.key_pem not in in_quarantine(tmp_path)


@pytest.mark.parametrize("lose", [1, 0])
async def test_after_a_change_of_keys_all_is_signed_with_the_key_that_the_ca_knows(
    one_account, tmp_path, lose
):
    store, authority, ca = one_account
    ca.lose = lose
    sessions, commands = commanded(tmp_path, authority)
    before = await sessions.get()
    if lose:
        with pytest.raises(Failure, match="got lost"):
            await commands.change_keys()
    else:
        assert await commands.change_keys() == (ca.url,)
    after = await sessions.get()
    assert after is not before
    assert after.session.key_pem == ca.known
    await commands.change_keys()
    assert await asyncio.to_thread(store.load_account, authority) == Account(ca.known, ca.url)
    assert ca.taken == 2


async def test_an_authority_that_changes_no_keys_keeps_no_other_from_it(one_account, tmp_path, monkeypatch):
    store, authority, ca = one_account
    before, refusing = ca.known, Authority("https://another.example/dir")

    class Refusing(KeyedSession):
        def change_key(self, key_pem):
            raise Failure("configuration", "This CA gives an account no other key.", status=501)

    def session(asked, key_pem, *_):
        return (Refusing if asked == refusing else KeyedSession)(ca, key_pem)

    monkeypatch.setattr("acme_client.ca.CA", session)
    await asyncio.to_thread(store.save_account, refusing, Account(keys.new_key(), ca.url))
    both = Authorities((refusing, authority))
    commands = Commands(Workshop.at(tmp_path, both, [].append, Clock(), open_session), {}, lambda: None)
    with pytest.raises(Failure, match="no other key"):
        await commands.change_keys()
    assert ca.known != before
    assert await asyncio.to_thread(store.load_account, authority) == Account(ca.known, ca.url)


async def test_a_storage_that_does_not_take_the_changed_key_loses_no_account(
    one_account, tmp_path, monkeypatch
):
    _, authority, ca = one_account

    def full(*_):
        raise OSError(28, "No space left on device")

    sessions, commands = commanded(tmp_path, authority)
    before = await sessions.get()
    monkeypatch.setattr(Store, "save_account", full)  # the CA has the new key, and it is beside the old one
    with pytest.raises(OSError, match="No space"):
        await commands.change_keys()
    monkeypatch.undo()
    monkeypatch.setattr("acme_client.ca.CA", ca.session)
    after = await sessions.get()
    assert after is not before
    assert after.session.key_pem == ca.known
