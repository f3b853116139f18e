"""Accounts: the session with a CA, with the account made where there is none.  All of it blocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from acme_client.authority import Authority
from acme_client.failure import Failure
from acme_client.frozen import frozen
from acme_client.store import Account, Store

if TYPE_CHECKING:
    from acme_client.resources import Session

CLOSED = ("accountDeactivated",)
LOST = "The CA no longer knew the one before."
UNREADABLE = "The stored key of the one before was broken; it is in quarantine."
UNSAID = "unsaid"
UNKNOWN = ("accountDoesNotExist", *CLOSED)


@frozen
class Opened:
    """A session, the account's address, and why the account is new (None where it is not)."""

    session: Session
    account: str
    made: str | None = None


def change_key(store: Store, authority: Authority, opened: Opened, clock: Callable[[], datetime]) -> None:
    """Another key for the account of this session.  Whenever it is interrupted, no key is lost.

    The session is not to be used afterwards: where the CA's answer got lost,
    it signs with a key that may count no more.
    """
    from acme_client import keys

    with store.lock_account(authority):
        if settle_keys(store, authority, clock):
            return  # that is the change which was interrupted before
        key_pem = keys.new_key()
        store.save_next_key(authority, key_pem)
        opened.session.change_key(key_pem)
        store.save_account(authority, Account(key_pem, opened.account))
        store.drop_next_key(authority)


def settle_keys(store: Store, authority: Authority, clock: Callable[[], datetime]) -> bool:
    """After a change of keys that was interrupted, keep the one that the CA knows.

    Returns whether that is the new one.  It is thrown away only where the CA
    knows the old one.  Of a CA that knows neither, perhaps by mistake, and of a
    key that cannot be read, nobody can say what it is still good for: aside then.
    """
    key_pem = store.load_next_key(authority)
    if key_pem is None:
        return False
    if url := _account_of(key_pem, authority, clock):
        store.save_account(authority, Account(key_pem, url))
        store.drop_next_key(authority)
        return True
    account = store.load_account(authority)
    if account and _account_of(account.key_pem, authority, clock):
        store.drop_next_key(authority)
    else:
        store.retire_next_key(authority)
    return False


def _account_of(key_pem: bytes, authority: Authority, clock: Callable[[], datetime]) -> str:
    """The address of the account that has this key and is in use; "" where there is none."""
    from acme_client import keys
    from acme_client.ca import CA

    try:
        return CA(authority, key_pem, "", clock).find() if keys.usable(key_pem) else ""
    except Failure as failure:
        if failure.problem not in CLOSED:
            raise
        return ""


def open_session(store: Store, authority: Authority, clock: Callable[[], datetime], lost: str = "") -> Opened:
    """A session at the CA.

    `lost` is the problem for which the CA refused the stored account, perhaps.  The same
    key is tried first: an account that the CA still has is found again by it.
    """
    # 13 MB and 130 ms that a program without orders never needs.
    from acme_client import keys
    from acme_client.ca import CA

    with store.lock_account(authority):
        settle_keys(store, authority, clock)
        account = store.load_account(authority)
        broken = account is not None and not keys.usable(account.key_pem)
        if account and (broken or lost in CLOSED):
            store.retire_account(authority)
            account = None
        if account is None:
            account = Account(keys.new_key())
            store.save_account(authority, account)
        known = "" if lost else account.url
        session = CA(authority, account.key_pem, known, clock)
        if known:
            return Opened(session, known)
        try:
            url = session.register()
        except Failure as failure:
            if failure.problem in CLOSED:
                store.retire_account(authority)  # else the next try would find the same key again
            raise
        store.save_account(authority, Account(account.key_pem, url))
        if url == account.url:
            return Opened(session, url)  # it was found again, so that was not the trouble
        return Opened(session, url, UNREADABLE if broken else LOST if lost else "")
