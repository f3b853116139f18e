"""Store: certificates, the account and the ledger on disk, safe against a crash at any moment.

    accounts/<CA>/<email or default>/{account.json, key.pem, lock}
    accounts/<CA>/<email or default>+<resolver>/...    that of a named resolver
    accounts/<CA>/{ledger.json, ledger-<resolver>.json}    an outage of the whole CA
    accounts/<CA>/{issued.json, orders.json}     what counts against its limits
    certs/<host>/gen-000N/{fullchain.pem, key.pem, meta.json}
    certs/<host>/current -> gen-000N             for people and other programs
    certs/<host>/{ledger.json, renewal.json, order.json, lock}
    default/gen-000N/...                         for clients that name no host
    dns/records/*.json                           what `dns.journal` remembers
    quarantine/

Every method blocks; one worker thread calls them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from acme_client import limits
from acme_client.authority import Authority, resolver_of
from acme_client.certificate import Certificate
from acme_client.disk import (
    Lock,
    json_bytes,
    make_folder,
    make_private,
    read_json,
    replace_file,
    take_lock,
    wait_for_lock,
    write_file,
)
from acme_client.frozen import frozen
from acme_client.generations import Broken, newest, peek, write
from acme_client.ledger import Entry, Renewal, entry_from, renewal_from, to_json
from acme_client.limits import Issued

NEXT_KEY = "key-next.pem"

ROOM = 32 * 1024
"""What a write test writes: more than a generation and its order."""


@frozen
class OpenOrder:
    """An order that the CA knows and that has not ended: to be resumed, not made again."""

    directory: str
    url: str
    key_pem: str
    account: str = ""


@frozen
class Account:
    key_pem: bytes
    url: str = ""


@frozen
class Stored:
    """All that is on disk about one host."""

    certificate: Certificate | None
    entry: Entry
    renewal: Renewal
    order: OpenOrder | None
    broken: tuple[Broken, ...] = ()


class Store:
    def __init__(self, data: Path) -> None:
        self._data = data

    def make_private(self) -> list[Path]:
        """Repair rights that a copy or an editor left too wide."""
        roots = (
            self._data / name for name in ("accounts", "certs", "default", "dns", "internal", "quarantine")
        )
        return [path for root in roots if root.is_dir() for path in make_private(root)]

    def load_all(self, hosts: Sequence[str]) -> dict[str, Stored | OSError]:
        """What is known of each host, or why it cannot be read."""
        found: dict[str, Stored | OSError] = {}
        for host in hosts:
            try:
                found[host] = self.load(host)
            except OSError as error:
                found[host] = error
        return found

    def load(self, host: str) -> Stored:
        """What is known of this host; broken generations are moved away and the one before them serves."""
        folder = self._folder(host)
        certificate, broken = newest(folder, host, self._data / "quarantine")
        return Stored(
            certificate,
            entry_from(read_json(folder / "ledger.json")),
            renewal_from(read_json(folder / "renewal.json")),
            _open_order(read_json(folder / "order.json")),
            broken,
        )

    def look(self, host: str) -> Certificate | None:
        """What would be served for this host; nothing is moved."""
        return peek(self._folder(host), host)

    def look_at_all(self, hosts: Collection[str]) -> dict[str, Certificate | None]:
        """The same for each of these; None, too, where it cannot be read."""
        found: dict[str, Certificate | None] = {}
        for host in hosts:
            try:
                found[host] = self.look(host)
            except OSError:
                found[host] = None  # whoever needs it more, says so
        return found

    def keep(self, host: str, certificate: Certificate, entry: Entry | None = None) -> None:
        """Save a certificate; the failures and the order that led to it are history then."""
        self.save(host, certificate)
        self.save_entry(host, entry or Entry())
        self.end_order(host)

    def save(self, host: str, certificate: Certificate) -> None:
        write(self._folder(host), certificate)

    def load_default(self, name: str) -> tuple[Certificate | None, tuple[Broken, ...]]:
        """The certificate for clients that ask for no name; `name` is one that it has to have."""
        return newest(self._data / "default", name, self._data / "quarantine")

    def save_default(self, certificate: Certificate) -> None:
        write(self._data / "default", certificate)

    def save_entry(self, host: str, entry: Entry) -> None:
        self._replace(self._folder(host) / "ledger.json", to_json(entry))

    def save_renewal(self, host: str, renewal: Renewal) -> None:
        self._replace(self._folder(host) / "renewal.json", to_json(renewal))

    def save_order(self, host: str, order: OpenOrder) -> None:
        document = {
            "directory": order.directory,
            "url": order.url,
            "key": order.key_pem,
            "account": order.account,
        }
        self._replace(self._folder(host) / "order.json", document)

    def end_order(self, host: str) -> None:
        (self._folder(host) / "order.json").unlink(missing_ok=True)

    def lock(self, host: str) -> Lock | None:
        """The right to order for this host; None while another instance on this storage has it."""
        folder = self._folder(host)
        make_folder(folder)
        return take_lock(folder / "lock")

    def test_writing(self, host: str) -> None:
        """Raise OSError unless a certificate could be saved now."""
        folder = self._folder(host)
        make_folder(folder)
        probe = folder / f".new-{token_hex(4)}"
        try:
            write_file(probe, b"\0" * ROOM)
        finally:
            probe.unlink(missing_ok=True)

    def load_pause(self, directory: str) -> Entry:
        return entry_from(read_json(self._pause_file(directory)))

    def save_pause(self, directory: str, entry: Entry) -> None:
        self._replace(self._pause_file(directory), to_json(entry))

    def load_issued(self, directory: str) -> tuple[Issued, ...]:
        """What this storage had of the CA's limits."""
        return limits.from_json(read_json(self._ca_folder(directory) / "issued.json"))

    def add_issued(self, directory: str, one: Issued) -> None:
        issued = limits.after(self.load_issued(directory), one)
        self._replace(self._ca_folder(directory) / "issued.json", limits.to_json(issued))

    def load_orders(self, directory: str) -> tuple[datetime, ...]:
        """When orders were made, as far as that may still count."""
        return limits.orders_from_json(read_json(self._ca_folder(directory) / "orders.json"))

    def add_order(self, directory: str, at: datetime) -> None:
        orders = (*limits.recent(self.load_orders(directory), at), at)
        self._replace(self._ca_folder(directory) / "orders.json", limits.orders_to_json(orders))

    def lock_account(self, authority: Authority) -> Lock:
        """Waits: another instance needs a few seconds to register."""
        folder = self._account_folder(authority)
        make_folder(folder)
        return wait_for_lock(folder / "lock")

    def load_account(self, authority: Authority) -> Account | None:
        folder = self._account_folder(authority)
        try:
            key_pem = (folder / "key.pem").read_bytes()
        except FileNotFoundError:
            return None
        document = read_json(folder / "account.json")
        url = document.get("url") if isinstance(document, dict) else None
        return Account(key_pem, url if isinstance(url, str) else "")

    def save_account(self, authority: Authority, account: Account) -> None:
        """The key first: the CA finds an account by its key, but nothing finds a lost key."""
        folder = self._account_folder(authority)
        make_folder(folder)
        replace_file(folder / "key.pem", account.key_pem)
        self._replace(folder / "account.json", {"url": account.url, "directory": authority.directory})

    def load_next_key(self, authority: Authority) -> bytes | None:
        """The key that an account was about to get when this program ended."""
        try:
            return (self._account_folder(authority) / NEXT_KEY).read_bytes()
        except FileNotFoundError:
            return None

    def save_next_key(self, authority: Authority, key_pem: bytes) -> None:
        """Before the CA is told of it: whichever key counts then, it is here."""
        replace_file(self._account_folder(authority) / NEXT_KEY, key_pem)

    def drop_next_key(self, authority: Authority) -> None:
        (self._account_folder(authority) / NEXT_KEY).unlink(missing_ok=True)

    def retire_next_key(self, authority: Authority) -> None:
        self._put_aside(self._account_folder(authority), NEXT_KEY)

    def retire_account(self, authority: Authority) -> None:
        """Put an account that the CA has closed aside; its key is kept, for the owner's sake."""
        self._put_aside(self._account_folder(authority), "account.json", "key.pem")

    def _put_aside(self, folder: Path, *names: str) -> None:
        make_folder(self._data / "quarantine")
        for name in names:
            if (folder / name).exists():
                (folder / name).rename(self._data / "quarantine" / f"account-{token_hex(4)}-{name}")

    def _replace(self, path: Path, document: dict[str, Any]) -> None:
        make_folder(path.parent)
        replace_file(path, json_bytes(document))

    def _folder(self, host: str) -> Path:
        return self._data / "certs" / _file_name(host.replace("*", "_wildcard_"))

    def _ca_folder(self, directory: str) -> Path:
        parts = urlsplit(directory)
        return self._data / "accounts" / _file_name(f"{parts.netloc}{parts.path}")

    def _pause_file(self, directory: str) -> Path:
        resolver = resolver_of(directory)
        name = f"ledger-{resolver}.json" if resolver else "ledger.json"
        return self._ca_folder(directory) / _file_name(name)

    def _account_folder(self, authority: Authority) -> Path:
        """Each resolver has an account of its own: what binds it (RFC 8555 7.3.4) may be another one's."""
        directory, owner = authority.directory or "", authority.email or "default"
        resolver = resolver_of(directory)
        return self._ca_folder(directory) / _file_name(f"{owner}+{resolver}" if resolver else owner)


def _file_name(text: str) -> str:
    """Never a path: no slash, and no dot at the beginning."""
    return re.sub(r"[^A-Za-z0-9._@+-]", "_", text).lstrip(".") or "_"


def _open_order(document: Any) -> OpenOrder | None:
    if not isinstance(document, dict):
        return None
    values = [str(document.get(name) or "") for name in ("directory", "url", "key", "account")]
    return OpenOrder(*values) if all(values) else None
