"""Resources: a CA's answers as values, in the words of RFC 8555 7.1, and what a session with a CA can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from acme_client.frozen import frozen


@frozen
class Order:
    url: str
    status: str
    authorizations: tuple[str, ...]
    finalize: str
    certificate: str = ""
    error: Mapping[str, Any] | None = None
    retry_after: float | None = None


@frozen
class Challenge:
    url: str
    type: str
    status: str
    token: str = ""
    error: Mapping[str, Any] | None = None


@frozen
class Authorization:
    url: str
    status: str
    challenges: tuple[Challenge, ...]
    retry_after: float | None = None


@frozen
class RenewalInfo:
    document: Any = field(default_factory=dict)
    retry_after: float | None = None


class Session(Protocol):
    """An account at one CA.  Every method is one blocking request, and raises `Failure`."""

    @property
    def caa_identities(self) -> Sequence[str]:
        """What the CA is called in CAA records (RFC 8555 7.1.1); none where it does not say."""

    def new_order(self, host: str, replaces: str = "", profile: str = "") -> Order: ...
    def order(self, url: str) -> Order: ...
    def authorization(self, url: str) -> Authorization: ...
    def answer(self, challenge_url: str) -> Challenge: ...
    def deactivate(self, url: str) -> None: ...
    def finalize(self, url: str, csr_der: bytes) -> Order: ...
    def download(self, url: str) -> bytes: ...
    def key_authorization(self, token: str) -> str: ...
    def revoke(self, certificate_der: bytes, reason: int) -> None: ...
    def change_key(self, key_pem: bytes) -> None: ...
    def renewal_info(self, certificate_id: str) -> RenewalInfo | None: ...
