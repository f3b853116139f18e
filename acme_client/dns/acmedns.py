"""acme-dns: a small server that holds nothing but proofs; a CNAME, added once by hand, leads there.

The accounts are kept in the JSON that lego keeps, so that one made by it, or by
Traefik, goes on to be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acme_client.disk import json_bytes, make_folder, read_json, replace_file
from acme_client.dns.api import API
from acme_client.dns.provider import failed
from acme_client.dns.variables import Variables

CHALLENGE = "_acme-challenge."
PARTS = ("fulldomain", "subdomain", "username", "password")


class AcmeDNS:
    """Registers by itself, and then says which CNAME is missing."""

    name, holds_one = "acme-dns", False

    def __init__(self, base: str, accounts: Path) -> None:
        self._base = base.rstrip("/")
        self._accounts = accounts

    @classmethod
    def read(cls, variables: Variables) -> AcmeDNS:
        path = variables.get("ACME_DNS_STORAGE_PATH")
        kept = Path(path) if path else variables.data / "dns" / "acme-dns.json"
        return cls(variables.need("ACME_DNS_API_BASE"), kept)

    def present(self, zone: str, name: str, value: str) -> None:
        """`name` is where the CNAME leads; a name that still has none is where it has to be added."""
        accounts = self._load()
        account = next((each for each in accounts.values() if each["fulldomain"] == name), None)
        if account is None:
            raise failed(self._missing(accounts, name))
        headers = {"X-Api-User": account["username"], "X-Api-Key": account["password"]}
        change = {"subdomain": account["subdomain"], "txt": value}
        self._api(account).ask("POST", "/update", change, headers=headers)

    def withdraw(self, zone: str, name: str, value: str) -> None:
        """acme-dns keeps the last two values of a name for ever, and shows no others."""

    def _missing(self, accounts: dict[str, dict[str, str]], name: str) -> str:
        host = name.removeprefix(CHALLENGE)
        account = accounts.get(host) or self._register(accounts, host)
        return (
            f"Add this to the DNS, once: {CHALLENGE}{host} CNAME {account['fulldomain']}."
            if name.startswith(CHALLENGE)
            else f"The CNAME leads to {name}, which is no account of ours at {self._base};"
            f" let it lead to {account['fulldomain']}"
        )

    def _register(self, accounts: dict[str, dict[str, str]], host: str) -> dict[str, str]:
        answer = self._api({}).ask("POST", "/register", {}).json()
        account = _account(answer)
        if account is None:
            raise self._api({}).odd("an account")
        account["server_url"] = self._base
        make_folder(self._accounts.parent)
        try:
            replace_file(self._accounts, json_bytes({**accounts, host: account}))
        except OSError as error:
            raise failed(
                f"The account of acme-dns cannot be kept in {self._accounts}.", str(error)
            ) from error
        return account

    def _load(self) -> dict[str, dict[str, str]]:
        document = read_json(self._accounts)
        found = document.items() if isinstance(document, dict) else ()
        return {str(host): account for host, each in found if (account := _account(each))}

    def _api(self, account: dict[str, str]) -> API:
        secrets = [account["password"]] if account else []
        return API("acme-dns", self._base, "ACME_DNS_API_BASE", secrets=secrets)


def _account(document: Any) -> dict[str, str] | None:
    if not isinstance(document, dict) or not all(isinstance(document.get(part), str) for part in PARTS):
        return None
    return {str(key): value for key, value in document.items() if isinstance(value, str)}
