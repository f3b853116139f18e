"""TLS: certificate and options by the name that the client asks for, swapped by one assignment."""

from __future__ import annotations

import os
import ssl
from collections.abc import Container, Iterator, Mapping
from dataclasses import field
from typing import Any, TypeAlias

from proxy.client_certificate import read_certificate
from proxy.client_hello import Unreadable, read_hello_message
from proxy.frozen import frozen
from proxy.problem import Problem
from proxy.securing import Securing, name_shown
from proxy.tls_options import EVERYBODY, USUAL, ClientAuth, TLSOptions

ACME_TLS = "acme-tls/1"
"""The protocol of an authority that looks for a proof and for nothing else (RFC 8737 6.2)."""
ONLY_ACME_TLS = (ACME_TLS.encode(),)
HTTP = "http/1.1"
VERSIONS = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}

# Mozilla "Intermediate" without its DHE suites, which need parameters that nobody tunes.  OpenSSL's own
# default list still has two CBC suites (testssl reports them), so the list is said in full.
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)


@frozen
class KeyPair:
    """A certificate with its chain, and the key that must not be printed."""

    chain_pem: bytes
    key_pem: bytes = field(repr=False)


@frozen
class Terms:
    """How a client is met; `options` are those of the name that it has asked for."""

    context: ssl.SSLContext
    options: TLSOptions


Made: TypeAlias = dict[tuple[KeyPair, TLSOptions], ssl.SSLContext]


class SNI:
    """The certificates in use, and what handshakes ask for.  Open connections keep what they have.

    Each certificate has a context of its own for each set of options.  Session tickets are a context's, so
    nobody resumes with one host what another one would not have begun.
    """

    def __init__(self) -> None:
        self._pairs: Mapping[str, KeyPair] = {}
        self._default: KeyPair | None = None
        self._securing = Securing()
        self._made: Made = {}
        self._proofs: Mapping[str, ssl.SSLContext] = {}
        self._overheard: tuple[object, tuple[bytes, ...]] = (None, ())
        self.server_context = self._without_certificate()
        """For a hello that only OpenSSL can read: without a certificate until that knows the name."""

    @property
    def default_options(self) -> TLSOptions:
        """What a connection over `server_context` has agreed on."""
        return self._securing.default

    def publish(self, certificates: Mapping[str, KeyPair], default: KeyPair | None = None) -> dict[str, str]:
        """Serve these from now on; what comes out is name -> reason for each pair that cannot be used.

        A name whose new pair is unusable keeps the certificate that it had:
        one bad file must not take the others, or its own predecessor, away.
        Options that cannot be had are no fault of a pair: those fail in `find`.
        """
        pairs: dict[str, KeyPair] = {}
        refused: dict[str, str] = {}
        proven = {*self._pairs.values(), self._default}
        for name, pair in certificates.items():
            try:
                self._try(pair, proven)
                pairs[name.lower()] = pair
            except (ssl.SSLError, ValueError) as error:
                refused[name] = _plain(error)
                if before := self._pairs.get(name.lower()):
                    pairs[name.lower()] = before
        fallback = default
        try:
            if default:
                self._try(default, proven)
        except (ssl.SSLError, ValueError) as error:
            refused["(default)"] = _plain(error)
            fallback = self._default
        self._pairs, self._default = pairs, fallback
        self._forget()
        return refused

    def secure(self, securing: Securing) -> None:
        """Shake hands by these options from now on."""
        if securing != self._securing:
            renewed = securing.default != self._securing.default
            self._securing = securing
            self._forget()
            if renewed:
                self.server_context = self._without_certificate()
                self._listen_for_proofs()

    def prove(self, proofs: Mapping[str, KeyPair]) -> None:
        """Show these, by the name that is asked for, to clients that offer nothing but `acme-tls/1`.

        ssl.SSLError or ValueError where one cannot be used.
        """
        self._proofs = {name.lower(): load(pair, protocol=ACME_TLS) for name, pair in proofs.items()}
        self._listen_for_proofs()

    def _listen_for_proofs(self) -> None:
        # OpenSSL's own choice sees no protocols.  This hears of every record: only while it is needed.
        heard = self._overhear if self._proofs else None
        self.server_context._msg_callback = heard  # type: ignore[attr-defined]

    def find(self, name: str | None, alpn: tuple[bytes, ...] = ()) -> Terms | None:
        """Exact name, then the wildcard one label up (RFC 9525 6.3), then the default.

        ssl.SSLError or ValueError where the options cannot be had with this OpenSSL: nobody comes in.
        """
        if self._proofs and alpn == ONLY_ACME_TLS and (proof := self._proofs.get((name or "").lower())):
            return Terms(proof, USUAL)
        options = self._securing.of(name)
        known = name_shown(name, self._pairs)
        pair = self._pairs[known] if known else None if options.sni_strict else self._default
        return Terms(self._context(pair, options), options) if pair else None

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        heard, alpn = self._overheard
        self._overheard = (None, ())
        chosen = self.find(name, alpn if heard is connection else ())
        if chosen is None:
            # Never another host's certificate (RFC 6066 3: unrecognized_name).
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if chosen.options != self._securing.default and chosen.context not in self._proofs.values():
            # OpenSSL takes the certificate of the other context, but not whom it asks and what it speaks.
            return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        connection.context = chosen.context
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

    def _without_certificate(self) -> ssl.SSLContext:
        try:
            context = _bare_context(self._securing.default)
        except (ssl.SSLError, ValueError):  # as `unusable` says: then nobody comes in
            context = _bare_context(USUAL)
            context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
            return context
        context.sni_callback = self._choose
        return context

    def _context(self, pair: KeyPair, options: TLSOptions) -> ssl.SSLContext:
        context = self._made.get((pair, options))
        if context is None:
            context = self._made[pair, options] = load(pair, options)
        return context

    def _try(self, pair: KeyPair, proven: Container[KeyPair | None]) -> None:
        if pair not in proven:
            self._context(pair, USUAL)

    def _forget(self) -> None:
        """What was made for certificates and options that nobody has any more."""
        pairs = {*self._pairs.values(), self._default}
        options = {self._securing.default, *self._securing.by_host.values()}
        self._made = {
            made: each for made, each in self._made.items() if made[0] in pairs and made[1] in options
        }


def unusable(securing: Securing) -> Iterator[Problem]:
    """What this OpenSSL cannot do of the options: nobody comes in where they hold."""
    for options in {securing.default, *securing.by_host.values()} - {USUAL}:
        try:
            _bare_context(options)
        except (ssl.SSLError, ValueError) as error:
            hosts = sorted(host for host, each in securing.by_host.items() if each == options)
            where = f"tls.options of {', '.join(hosts) or 'all hosts'}"
            what = f"OpenSSL cannot use them: {_plain(error)}."
            yield Problem(where, what, "Every handshake for these names fails.")


def load(pair: KeyPair, options: TLSOptions = USUAL, *, protocol: str = HTTP) -> ssl.SSLContext:
    """A server context with this certificate; the key never touches a disk.

    OpenSSL's Python door reads files only, so it gets an anonymous one in memory.
    """
    context = _bare_context(options, protocol)
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    os.set_blocking(descriptor, False)  # memory never does
    try:
        os.write(descriptor, pair.chain_pem.rstrip() + b"\n" + pair.key_pem)
        # An encrypted key would make OpenSSL ask on the terminal; an empty password makes it fail instead.
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")
    finally:
        os.close(descriptor)
    return context


def has_expired(certificate: bytes | None, now: float) -> bool:
    """Whether a client's certificate (DER) is good no more; without one there is nothing to expire."""
    return certificate is not None and read_certificate(certificate).not_after.timestamp() <= now


def _bare_context(options: TLSOptions, protocol: str = HTTP) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[options.min_version]
    context.maximum_version = VERSIONS[options.max_version]
    context.set_ciphers(":".join(options.ciphers or CIPHERS))
    if len(options.curve_preferences) == 1:
        context.set_ecdh_curve(options.curve_preferences[0])
    context.set_alpn_protocols([protocol])
    context.num_tickets = 1  # each costs a tenth of a handshake; a client uses one
    # Renegotiation costs the server more than the client; nothing in HTTP/1.1 needs it.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # Intermediate lets the client choose: phones without AES hardware prefer ChaCha20.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if options.disable_session_tickets or options.asks:
        # Who resumes is not looked at again: not whether the certificate has expired meanwhile.
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
    if options.asks:
        _ask(context, options.client_auth)
    return context


def _ask(context: ssl.SSLContext, clients: ClientAuth) -> None:
    """Ask clients for a certificate; every authority named is one to begin at, also one below another."""
    context.load_verify_locations(
        cadata=b"".join(der for each in clients.ca_files for der in each.certificates())
    )
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_mode = ssl.CERT_REQUIRED if clients.asking == EVERYBODY else ssl.CERT_OPTIONAL


def _plain(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).replace("_", " ").lower() if reason else "not a certificate with its key in PEM form"
