"""A CA in memory, a clock that is moved by hand, and certificates of any age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from acme_client.accounts import Opened
from acme_client.authority import Authority
from acme_client.certificate import Certificate
from acme_client.challenges.http01 import PREFIX
from acme_client.failure import Failure, from_problem
from acme_client.keys import general_name
from acme_client.reading import read
from acme_client.resources import Authorization, Challenge, Order, RenewalInfo
from acme_client.store import Store

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
THUMBPRINT = "h" * 43
DIRECTORY = "https://ca.example/directory"
ISSUER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fake CA")])
ISSUER_KEY = ec.generate_private_key(ec.SECP256R1())


class Clock:
    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


def sign(host: str, public_key: Any, not_before: datetime, life: timedelta) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ISSUER)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_before + life)
        .add_extension(x509.SubjectAlternativeName([general_name(host)]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ISSUER_KEY.public_key()), critical=False
        )
    )
    return builder.sign(ISSUER_KEY, hashes.SHA256()).public_bytes(Encoding.PEM)


def certificate(
    host: str = "blog.example.com",
    *,
    not_before: datetime = NOON,
    life: timedelta = timedelta(days=90),
    directory: str = DIRECTORY,
) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return read(sign(host, key.public_key(), not_before, life), pem, directory)


@dataclass
class FakeOrder:
    host: str
    status: str = "pending"
    proof: str = "pending"
    token: str = ""
    tried: str = "http-01"
    chain_pem: bytes = b""


@dataclass
class FakeCA:
    """Fetches the answer through `fetch(path)`, at once and from this process.

    `refusals` are problem types by host, met at the challenge; `outage` is
    raised by whatever is asked.  `ordered` and `issued` tell what happened.
    """

    clock: Callable[[], datetime]
    fetch: Callable[[str], bytes | None] = lambda path: None
    life: timedelta = timedelta(days=90)
    refusals: dict[str, str] = field(default_factory=dict)
    outage: Failure | None = None
    window: Any = None
    kinds: tuple[str, ...] = ("http-01",)
    answered: list[str] = field(default_factory=list)
    orders: dict[str, FakeOrder] = field(default_factory=dict)
    ordered: list[str] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    deactivated: list[str] = field(default_factory=list)
    slow: set[str] = field(default_factory=set)
    """Hosts whose proofs it never looks at."""
    replaced: list[str] = field(default_factory=list)
    opened: int = 0
    account: str = "https://ca.example/account/1"
    caa_identities: tuple[str, ...] = ()
    unknown_accounts: set[str] = field(default_factory=set)

    def open(
        self, store: Store, authority: Authority, clock: Callable[[], datetime], lost: str = ""
    ) -> Opened:
        self._answer()
        self.opened += 1
        if self.account in self.unknown_accounts:
            self.account += "1"
        return Opened(self, self.account, "" if self.opened == 1 else None)

    def new_order(self, host: str, replaces: str = "") -> Order:
        self._answer()
        if self.account in self.unknown_accounts:
            raise Failure("authority", "unknown account", problem="accountDoesNotExist")
        self.ordered.append(host)
        if replaces:
            self.replaced.append(replaces)
        url = f"https://ca.example/order/{len(self.ordered)}"
        self.orders[url] = FakeOrder(host, token=f"token-of-order-{len(self.ordered):04}")
        return self._order(url)

    def order(self, url: str) -> Order:
        self._answer()
        if url not in self.orders:
            raise from_problem({"type": "urn:ietf:params:acme:error:malformed"}, status=404)
        return self._order(url)

    def authorization(self, url: str) -> Authorization:
        self._answer()
        order = self.orders[url.removeprefix("authorization of ")]
        error = (
            {"type": self._urn(order), "detail": "the CA's own words"} if order.proof == "invalid" else None
        )
        challenges = (
            Challenge("dns", "dns-01", "pending", order.token),
            *(
                Challenge(
                    f"{kind} of {url}",
                    kind,
                    order.proof if kind == order.tried else "pending",
                    order.token,
                    error,
                )
                for kind in self.kinds
            ),
        )
        return Authorization(
            url, order.proof, challenges, retry_after=20.0 if order.host in self.slow else 0.0
        )

    def answer(self, challenge_url: str) -> Challenge:
        self._answer()
        kind, _, url = challenge_url.partition(" of authorization of ")
        order = self.orders[url]
        order.tried = kind
        self.answered.append(kind)
        if order.host in self.slow:
            return Challenge(challenge_url, kind, "processing", order.token)
        right = (
            kind != "http-01" or self.fetch(PREFIX + order.token) == f"{order.token}.{THUMBPRINT}".encode()
        )
        order.proof = "valid" if right and order.host not in self.refusals else "invalid"
        order.status = "ready" if order.proof == "valid" else "invalid"
        return Challenge(challenge_url, kind, "processing", order.token)

    def deactivate(self, url: str) -> None:
        self._answer()
        self.deactivated.append(self.orders[url.removeprefix("authorization of ")].host)

    def finalize(self, url: str, csr_der: bytes) -> Order:
        self._answer()
        order = self.orders[url.removeprefix("finalize ")]
        key = x509.load_der_x509_csr(csr_der).public_key()
        order.chain_pem = sign(order.host, key, self.clock() - timedelta(seconds=1), self.life)
        order.status = "valid"
        self.issued.append(order.host)
        return self._order(url.removeprefix("finalize "))

    def download(self, url: str) -> bytes:
        self._answer()
        return self.orders[url].chain_pem

    def key_authorization(self, token: str) -> str:
        return f"{token}.{THUMBPRINT}"

    def renewal_info(self, certificate_id: str) -> RenewalInfo | None:
        self._answer()
        return RenewalInfo(self.window, 3600.0) if self.window else None

    def _answer(self) -> None:
        if self.outage:
            raise self.outage

    def _order(self, url: str) -> Order:
        order = self.orders[url]
        return Order(
            url,
            order.status,
            (f"authorization of {url}",),
            f"finalize {url}",
            url if order.status == "valid" else "",
            retry_after=0.0,
        )

    def _urn(self, order: FakeOrder) -> str:
        return f"urn:ietf:params:acme:error:{self.refusals.get(order.host, 'unauthorized')}"
