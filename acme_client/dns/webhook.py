"""Webhook: an address of the owner's that sets records, as lego's `httpreq` asks for them."""

from __future__ import annotations

from acme_client.dns.api import API
from acme_client.dns.variables import Variables


class Webhook:
    name, holds_one = "webhook", False

    def __init__(self, url: str, user: str = "", password: str = "") -> None:
        auth = (user, password) if user else None
        variables = "HTTPREQ_ENDPOINT, HTTPREQ_USERNAME and HTTPREQ_PASSWORD"
        self._api = API("The webhook", url.rstrip("/"), variables, secrets=(password,), auth=auth)

    @classmethod
    def read(cls, variables: Variables) -> Webhook:
        user, password = variables.get("HTTPREQ_USERNAME"), variables.get("HTTPREQ_PASSWORD")
        return cls(variables.need("HTTPREQ_ENDPOINT"), user, password)

    def present(self, zone: str, name: str, value: str) -> None:
        self._api.ask("POST", "/present", {"fqdn": f"{name}.", "value": value})

    def withdraw(self, zone: str, name: str, value: str) -> None:
        self._api.ask("POST", "/cleanup", {"fqdn": f"{name}.", "value": value})
