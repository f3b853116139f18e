"""TLS: the certificate by the name that the client asks for, swapped by one assignment."""

from __future__ import annotations

import os
import ssl
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.client_hello import Unreadable, read_hello_message

ACME_TLS = "acme-tls/1"
"""The protocol of an authority that looks for a proof and for nothing else (RFC 8737 6.2)."""
ONLY_ACME_TLS = (ACME_TLS.encode(),)

# Mozilla "Intermediate" without its DHE suites, which need parameters that nobody tunes.  OpenSSL's own
# default list still has two CBC suites (testssl reports them), so the list is said in full.
CIPHERS = ":".join(
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ]
)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with its chain, and the key that must not be printed."""

    chain_pem: bytes
    key_pem: bytes = field(repr=False)


def name_shown(name: str | None, known: Container[str]) -> str | None:
    """Under which of the known names there is a certificate for this one; None where the default is shown."""
    wanted = (name or "").lower().rstrip(".")
    wildcard = "*." + wanted.partition(".")[2]
    return next((each for each in (wanted, wildcard) if each in known), None)


class SNI:
    """The certificates in use.  Connections made before a `publish` keep the one they have."""

    def __init__(self) -> None:
        self._contexts: Mapping[str, ssl.SSLContext] = {}
        self._default: ssl.SSLContext | None = None
        self._loaded: Mapping[KeyPair, ssl.SSLContext] = {}
        self._proofs: Mapping[str, ssl.SSLContext] = {}
        self._overheard: tuple[object, tuple[bytes, ...]] = (None, ())
        self.server_context = _bare_context()
        """For a hello that only OpenSSL can read: without a certificate until that knows the name."""
        self.server_context.sni_callback = self._choose

    def publish(self, certificates: Mapping[str, KeyPair], default: KeyPair | None = None) -> dict[str, str]:
        """Serve these from now on; what comes out is name -> reason for each pair that cannot be used.

        A name whose new pair is unusable keeps the certificate that it had:
        one bad file must not take the others, or its own predecessor, away.
        """
        loaded: dict[KeyPair, ssl.SSLContext] = {}
        contexts: dict[str, ssl.SSLContext] = {}
        refused: dict[str, str] = {}
        for name, pair in certificates.items():
            try:
                contexts[name.lower()] = self._load(pair, loaded)
            except (ssl.SSLError, ValueError) as error:
                refused[name] = _plain(error)
                if before := self._contexts.get(name.lower()):
                    contexts[name.lower()] = before
        fallback = self._default if default else None
        try:
            fallback = self._load(default, loaded) if default else None
        except (ssl.SSLError, ValueError) as error:
            refused["(default)"] = _plain(error)
        self._contexts, self._default, self._loaded = contexts, fallback, loaded
        return refused

    def prove(self, proofs: Mapping[str, KeyPair]) -> None:
        """Show these, by the name that is asked for, to clients that offer nothing but `acme-tls/1`.

        ssl.SSLError or ValueError where one cannot be used.
        """
        self._proofs = {name.lower(): load(pair, ACME_TLS) for name, pair in proofs.items()}
        # OpenSSL's own choice sees no protocols.  This hears of every record: only while it is needed.
        self.server_context._msg_callback = self._overhear if proofs else None  # type: ignore[attr-defined]

    def find(self, name: str | None, alpn: tuple[bytes, ...] = ()) -> ssl.SSLContext | None:
        """Exact name, then the wildcard one label up (RFC 9525 6.3), then the default."""
        if self._proofs and alpn == ONLY_ACME_TLS and (proof := self._proofs.get((name or "").lower())):
            return proof
        known = name_shown(name, self._contexts)
        return self._default if known is None else self._contexts[known]

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        heard, alpn = self._overheard
        self._overheard = (None, ())
        chosen = self.find(name, alpn if heard is connection else ())
        if chosen is None:
            # Never another host's certificate (RFC 6066 3: unrecognized_name).
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = chosen
        return None

    def _overhear(
        self, connection: object, direction: str, _version: Any, _type: Any, message: Any, data: bytes
    ) -> None:
        """Remember what a hello offers, until OpenSSL asks in the same breath which certificate it gets."""
        if direction == "read" and getattr(message, "name", "") == "CLIENT_HELLO":
            try:
                self._overheard = (connection, read_hello_message(data).alpn)
            except Unreadable:
                self._overheard = (None, ())

    def _load(self, pair: KeyPair, loaded: dict[KeyPair, ssl.SSLContext]) -> ssl.SSLContext:
        context = loaded.get(pair) or self._loaded.get(pair) or load(pair)
        loaded[pair] = context
        return context


def load(pair: KeyPair, protocol: str = "http/1.1") -> ssl.SSLContext:
    """A server context with this certificate; the key never touches a disk.

    OpenSSL's Python door reads files only, so it gets an anonymous one in memory.
    """
    context = _bare_context(protocol)
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    os.set_blocking(descriptor, False)  # memory never does
    try:
        os.write(descriptor, pair.chain_pem.rstrip() + b"\n" + pair.key_pem)
        # An encrypted key would make OpenSSL ask on the terminal; an empty password makes it fail instead.
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")
    finally:
        os.close(descriptor)
    return context


def _bare_context(protocol: str = "http/1.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols([protocol])
    context.num_tickets = 1  # each costs a tenth of a handshake; a client uses one
    # Renegotiation costs the server more than the client; nothing in HTTP/1.1 needs it.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # Intermediate lets the client choose: phones without AES hardware prefer ChaCha20.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def _plain(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).replace("_", " ").lower() if reason else "not a certificate with its key in PEM form"
