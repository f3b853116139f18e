"""CA: one account at one ACME CA.  The only importer of `acme` and `josepy`.

Both block, so everything here runs in a worker thread, importing included.
From `acme` comes the signing (RFC 8555 6.2); the requests are our own,
because its client retries a bad nonce only once, drops status and Retry-After
of an error, and reads dates as local time.  The answers are read as plain JSON:
a CA may add fields and kinds of challenges that no library knows.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import requests
from acme import jws
from cryptography.hazmat.primitives import hashes
from josepy.b64 import b64decode, b64encode
from josepy.jwa import ES256, HS256
from josepy.jwk import JWKEC, JWKOct

from acme_client.answers import items, mapping, read_authorization, read_challenge, read_order
from acme_client.authority import Authority
from acme_client.failure import Failure
from acme_client.names import read_name
from acme_client.reading import ends_at
from acme_client.resources import Authorization, Challenge, Order, RenewalInfo
from acme_client.wire import Wire, was_cut

NONCE_TRIES = 20
"""At 50 % refusals, one request in a million is still lost."""

REFUSED_EAB = "The CA does not know the external account: the EAB key id or its HMAC key is wrong."
REFUSED_ACCOUNT = "The CA makes no account for this installation."

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,256}\Z")


class Signer:
    """An account's key, and its address at the CA once it has one."""

    def __init__(self, key_pem: bytes, account_url: str = "") -> None:
        self.key = JWKEC.load(key_pem)
        self.account_url = account_url

    def sign(self, payload: bytes, *, url: str, nonce: str) -> str:
        """A request's body: named by account address, or by key while there is none (RFC 8555 6.2)."""
        named = {"kid": self.account_url} if self.account_url else {}
        signed = jws.JWS.sign(payload, key=self.key, alg=ES256, nonce=b64decode(nonce), url=url, **named)
        return str(signed.json_dumps())

    @property
    def public(self) -> Mapping[str, Any]:
        return dict(self.key.public_key().to_partial_json())

    def agree(self, request: Mapping[str, Any], url: str) -> Mapping[str, Any]:
        """A request signed by key and without a nonce, to stand in another one (RFC 8555 7.3.5)."""
        payload = json.dumps(request).encode()
        return dict(jws.JWS.sign(payload, key=self.key, alg=ES256, nonce=None, url=url).to_partial_json())

    @property
    def thumbprint(self) -> str:
        return b64encode(self.key.thumbprint(hash_function=hashes.SHA256)).decode()

    def bind(self, kid: str, hmac_key: str, url: str) -> Mapping[str, Any]:
        """The externalAccountBinding of this key (RFC 8555 7.3.4)."""
        public = json.dumps(self.key.public_key().to_partial_json()).encode()
        try:
            secret = JWKOct(key=b64decode(hmac_key.strip().rstrip("=")))
        except ValueError as error:
            raise Failure("configuration", "The EAB HMAC key is not base64url text.", wide=True) from error
        bound = jws.JWS.sign(public, key=secret, alg=HS256, nonce=None, url=url, kid=kid)
        return dict(bound.to_partial_json())


class CA:
    """A `resources.Session` with a real CA.  Several threads may use it at once."""

    def __init__(
        self, authority: Authority, key_pem: bytes, account_url: str, clock: Callable[[], datetime]
    ) -> None:
        self._authority = authority
        self._wire = Wire(authority, clock)
        self._signer = Signer(key_pem, account_url)
        self._nonces: deque[str] = deque(maxlen=32)
        self._directory = self._json(self._wire.check(self._wire.send("GET", authority.url)))

    @property
    def account_url(self) -> str:
        return self._signer.account_url

    @property
    def profiles(self) -> Collection[str]:
        """The kinds of certificates that the CA offers by name."""
        return tuple(map(str, mapping(self._meta, "profiles") or ()))

    @property
    def caa_identities(self) -> Sequence[str]:
        return tuple(str(name).lower() for name in items(self._meta, "caaIdentities"))

    @property
    def _meta(self) -> Mapping[str, Any]:
        return mapping(self._directory, "meta") or {}

    def register(self) -> str:
        """Make the account, or find the one that this key already has (RFC 8555 7.3.1)."""
        url = self._endpoint("newAccount")
        request: dict[str, Any] = {"termsOfServiceAgreed": True}
        if self._authority.email:
            request["contact"] = [f"mailto:{self._authority.email}"]
        if bound := bool(self._authority.eab_kid):
            request["externalAccountBinding"] = self._signer.bind(
                self._authority.eab_kid, self._authority.eab_hmac, url
            )
        self._signer.account_url = ""
        try:
            response = self._post(url, request)
        except Failure as failure:
            failure.wide = True  # without an account no host can be served
            if failure.problem in ("unauthorized", "malformed"):
                failure.kind, failure.cause = "configuration", REFUSED_EAB if bound else REFUSED_ACCOUNT
            raise
        self._signer.account_url = self._location(response)
        return self._signer.account_url

    def find(self) -> str:
        """The address of the account that this key has already; "" where it has none (RFC 8555 7.3.1)."""
        self._signer.account_url = ""
        try:
            response = self._post(self._endpoint("newAccount"), {"onlyReturnExisting": True})
        except Failure as failure:
            if failure.problem != "accountDoesNotExist":
                raise
            return ""
        self._signer.account_url = self._location(response)
        return self._signer.account_url

    def change_key(self, key_pem: bytes) -> None:
        """Sign with this key from now on (RFC 8555 7.3.5): the old key signs that, and the new one within."""
        url = self._endpoint("keyChange")
        new = Signer(key_pem)
        request = {"account": self.account_url, "oldKey": self._signer.public}
        try:
            self._post(url, new.agree(request, url))
        except Failure as failure:
            if failure.status in (404, 405, 501):  # Caddy's directory names what Caddy does not do
                failure.kind, failure.cause = "configuration", "This CA gives an account no other key."
            raise
        self._signer = Signer(key_pem, self.account_url)

    def revoke(self, certificate_der: bytes, reason: int) -> None:
        request = {"certificate": b64encode(certificate_der).decode(), "reason": reason}
        try:
            self._post(self._endpoint("revokeCert"), request)
        except Failure as failure:
            if failure.problem != "alreadyRevoked":
                raise

    def new_order(self, host: str, replaces: str = "", profile: str = "") -> Order:
        """`profile` is one of those that the CA's directory names, or none."""
        kind = "ip" if read_name(host).address else "dns"  # RFC 8738 3
        request: dict[str, Any] = {"identifiers": [{"type": kind, "value": host}]}
        if replaces:
            request["replaces"] = replaces
        if profile:
            if profile not in self.profiles:  # some CAs say nothing and take another one
                raise Failure("configuration", f"No profile {profile}.", problem="invalidProfile")
            request["profile"] = profile
        response = self._post(self._endpoint("newOrder"), request, host)
        return self._order(self._location(response), response)

    def order(self, url: str) -> Order:
        return self._order(url, self._post(url))

    def authorization(self, url: str) -> Authorization:
        response = self._post(url)
        return read_authorization(url, self._json(response), self._wire.wait(response))

    def deactivate(self, url: str) -> None:
        """Give an authorization up (RFC 8555 7.5.2): a pending one counts against a limit."""
        self._post(url, {"status": "deactivated"})

    def answer(self, challenge_url: str) -> Challenge:
        return read_challenge(self._json(self._post(challenge_url, {})))

    def finalize(self, url: str, csr_der: bytes) -> Order:
        response = self._post(url, {"csr": b64encode(csr_der).decode()})
        return self._order(response.headers.get("Location", ""), response)

    def download(self, url: str) -> bytes:
        """The chain; of several (RFC 8555 7.4.2) the preferred one, or the CA's own choice."""
        response = self._post(url)
        wanted = self._authority.preferred_chain
        if not wanted or ends_at(response.content, wanted):
            return response.content
        others = (self._post(other).content for other in alternates(response.headers.get("Link", "")))
        return next((chain for chain in others if ends_at(chain, wanted)), response.content)

    def key_authorization(self, token: str) -> str:
        if not _TOKEN.match(token):
            raise Failure("authority", "The CA sent a challenge with an unusable token.")
        return f"{token}.{self._signer.thumbprint}"

    def renewal_info(self, certificate_id: str) -> RenewalInfo | None:
        """The CA's suggestion; None where it makes none."""
        url = self._directory.get("renewalInfo")
        if not isinstance(url, str):
            return None
        response = self._wire.check(self._wire.send("GET", f"{url.rstrip('/')}/{certificate_id}"))
        return RenewalInfo(self._json(response), self._wire.wait(response))

    def _post(self, url: str, payload: Mapping[str, Any] | None = None, host: str = "") -> requests.Response:
        """A signed request; without a payload it is a POST-as-GET (RFC 8555 6.3)."""
        body = b"" if payload is None else json.dumps(payload).encode()
        for _ in range(NONCE_TRIES):
            response = self._send_signed(url, body)
            if "Replay-Nonce" in response.headers:
                self._nonces.append(response.headers["Replay-Nonce"])
            try:
                return self._wire.check(response, host)
            except Failure as failure:
                refused = failure
            if refused.problem == "unauthorized" and "deactivated" in refused.detail.lower():
                refused.problem = "accountDeactivated"
            if refused.problem != "badNonce":
                raise refused
        raise refused

    def _send_signed(self, url: str, body: bytes) -> requests.Response:
        """The answer, asked for once more where the connection was cut.

        At worst that leaves an order which nobody finalizes: a second
        finalization is refused, and accounts are found by their key.
        """
        try:
            return self._wire.send("POST", url, self._signer.sign(body, url=url, nonce=self._nonce()))
        except Failure as failure:
            if not was_cut(failure):
                raise
        return self._wire.send("POST", url, self._signer.sign(body, url=url, nonce=self._nonce()))

    def _nonce(self) -> str:
        try:
            return self._nonces.popleft()
        except IndexError:
            response = self._wire.check(self._wire.send("HEAD", self._endpoint("newNonce")))
        nonce = response.headers.get("Replay-Nonce", "")
        if not nonce:
            raise Failure("authority", "The CA gave no anti-replay number.")
        return nonce

    def _endpoint(self, name: str) -> str:
        url = self._directory.get(name)
        if not isinstance(url, str):
            raise Failure("configuration", f"The ACME directory names no {name}: is it one?", wide=True)
        return url

    def _order(self, url: str, response: requests.Response) -> Order:
        return read_order(url, self._json(response), self._wire.wait(response))

    def _location(self, response: requests.Response) -> str:
        url = response.headers.get("Location", "")
        if not url:
            raise Failure("authority", "The CA did not say where it keeps what it made (no Location).")
        return url

    def _json(self, response: requests.Response) -> dict[str, Any]:
        try:
            document = response.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Failure("authority", "The CA answered with something other than a JSON object.")
        return document


def alternates(link: str) -> list[str]:
    """The addresses of the other chains in a Link field (RFC 8288)."""
    links = requests.utils.parse_header_links(link) if link else []
    return [each["url"] for each in links if each.get("rel") == "alternate" and "url" in each]
