import subprocess
import sys

import pytest

from acme_client.accounts import open_session
from acme_client.authority import Authority
from acme_client.store import Account, Store
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


def test_a_broken_account_key_is_put_aside_and_not_thrown_away(tmp_path):
    with endpoint() as url:
        store, authority = Store(tmp_path), Authority(url)
        store.save_account(authority, Account(b"half a key", "https://ca.example/account/1"))
        with pytest.raises(Exception, match="newAccount"):
            open_session(store, authority, Clock())
    aside = [path.read_bytes() for path in (tmp_path / "quarantine").glob("account-*-key.pem")]
    assert aside == [b"half a key"]
